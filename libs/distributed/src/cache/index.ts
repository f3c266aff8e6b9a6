/** The cache capability: `nestjs-distributed/cache`. */
export { CacheEvict } from './cache-evict.decorator.js';
export { CacheEvictAspect } from './cache-evict.aspect.js';
export { CachePut } from './cache-put.decorator.js';
export type { CacheCounts } from './cache-counters.js';
export {
  CacheBatchError,
  CacheInvalidationError,
  CacheKeyError,
  CacheNameDuplicateError,
  CacheTimeoutError,
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
export type { CacheCodecName, CacheIsolation } from './cache-codec.js';
export type {
  CacheDefaultOptions,
  CacheDefinitionOptions,
  CacheL1Options,
  CacheLevels,
  CacheTimeoutOptions,
} from './cache-definition.options.js';
export { type CacheLoad, currentCacheLoad } from './cache-load.js';
export type {
  CacheOptions,
  InvalidateFailure,
  L1OnBusDown,
  L2BreakerOptions,
} from './cache.options.js';
export { CacheService } from './cache.service.js';
export type {
  CacheHealth,
  CacheHit,
  CacheStats,
  ClearOptions,
  DeleteOptions,
  GetOrSetOptions,
  SetOptions,
} from './cache-service.options.js';
export type { RefreshAhead } from './refresh-ahead.js';
export { CacheTransactionPort } from './cache-transaction.port.js';
export { Cached } from './cached.decorator.js';
export { CachedAspect } from './cached.aspect.js';
export { CachedMany } from './cached-many.decorator.js';
export type { CachedManyOptions } from './cached-many.options.js';
export type {
  CachedOptions,
  CacheEvictOptions,
  CachePutOptions,
  CacheWhen,
} from './cached.options.js';
export { CacheManager } from './cache-manager.js';
export { CacheManagerModule } from './cache-manager.module.js';
export {
  CACHE_MANAGER,
  type CacheManagerEvents,
  type CacheManagerOptions,
  type CacheManagerListedValue,
  type CacheManagerRawValue,
  type CacheManagerWrapOptions,
} from './cache-manager.options.js';
export { HttpCache } from './http-cache.decorator.js';
export { HttpCacheInterceptor } from './http-cache.interceptor.js';
export type { HttpCacheOptions, HttpPrincipal } from './http-cache.options.js';
export type { HeaderValue, HttpRequest, HttpResponse } from './http-exchange.js';
