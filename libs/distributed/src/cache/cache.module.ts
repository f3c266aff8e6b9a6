/** The cache capability as a Nest module, wired by distributed.module.ts. */
import { type DynamicModule, Module } from '@nestjs/common';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { CacheEvictAspect } from './cache-evict.aspect.js';
import { CacheInvalidator } from './cache-invalidator.js';
import { CacheLeases } from './cache-leases.js';
import { CacheLoader } from './cache-loader.js';
import { CACHE_OPTIONS, type CacheOptions, resolveCacheOptions } from './cache.options.js';
import { CacheReader } from './cache-reader.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheService } from './cache.service.js';
import { CacheStore } from './cache.store.js';
import { CacheTransactions } from './cache-transactions.js';
import { CacheWriter } from './cache-writer.js';
import { CachedAspect } from './cached.aspect.js';
import { HttpCacheService } from './http-cache.service.js';
import { InvalidationBus } from './invalidation-bus.js';
import { RedisCacheStore } from './redis-cache.store.js';

@Module({})
export class CacheModule {
  /**
   * @param imports modules that provide Clock, Random, RedisConnection,
   * `capabilityOptionsToken('cache')` and, if there are transactions, CacheTransactionPort
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: CacheModule,
      imports,
      providers: [
        {
          provide: CACHE_OPTIONS,
          inject: [capabilityOptionsToken('cache')],
          useFactory: (options: CacheOptions | undefined) => resolveCacheOptions(options),
        },
        { provide: CacheStore, useClass: RedisCacheStore },
        InvalidationBus,
        CacheRegistry,
        CacheTransactions,
        CacheReader,
        CacheLeases,
        CacheLoader,
        CacheInvalidator,
        CacheWriter,
        CacheService,
        CachedAspect,
        CacheEvictAspect,
        HttpCacheService,
      ],
      exports: [CacheService, CachedAspect, CacheEvictAspect, HttpCacheService],
    };
  }
}
