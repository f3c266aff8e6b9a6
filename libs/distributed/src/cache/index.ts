/** The cache capability: `nestjs-distributed/cache`. */
export { CacheEvict } from './cache-evict.decorator.js';
export { CacheEvictAspect } from './cache-evict.aspect.js';
export { CachePut } from './cache-put.decorator.js';
export type { CacheCounts } from './cache-counters.js';
export {
  CacheInvalidationError,
  CacheKeyError,
  CacheNameDuplicateError,
  CacheUnknownError,
  CacheValueError,
} from './cache.errors.js';
export {
  type BypassReason,
  CACHE_CHANNELS,
  type CacheEvents,
  type CacheLevel,
  type FillOutcome,
} from './cache.events.js';
export type { CacheKey, CacheKeyOption } from './cache-key.js';
export { CacheModule } from './cache.module.js';
export type {
  CacheDefinitionOptions,
  CacheL1Options,
  CacheLevels,
  CacheOptions,
  InvalidateFailure,
} from './cache.options.js';
export {
  type CacheHealth,
  type CacheHit,
  CacheService,
  type CacheStats,
  type DeleteOptions,
  type GetOrSetOptions,
  type SetOptions,
} from './cache.service.js';
export { CacheTransactionPort } from './cache-transaction.port.js';
export { Cached } from './cached.decorator.js';
export { CachedAspect } from './cached.aspect.js';
export type {
  CachedOptions,
  CacheEvictOptions,
  CachePutOptions,
  CacheWhen,
} from './cached.options.js';
export { HttpCache } from './http-cache.decorator.js';
export { HttpCacheInterceptor } from './http-cache.interceptor.js';
export type { HttpCacheOptions, HttpPrincipal } from './http-cache.options.js';
export type { HeaderValue, HttpRequest, HttpResponse } from './http-exchange.js';
