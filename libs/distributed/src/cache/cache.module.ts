/** The cache capability as a Nest module, wired by distributed.module.ts. */
import { type DynamicModule, Module } from '@nestjs/common';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { CacheBatch } from './cache-batch.js';
import { CacheEvictAspect } from './cache-evict.aspect.js';
import { CacheFiller } from './cache-filler.js';
import { CacheFlight } from './cache-flight.js';
import { CacheInvalidator } from './cache-invalidator.js';
import { CacheLeases } from './cache-leases.js';
import { CacheLoader } from './cache-loader.js';
import { CacheManagerService } from './cache-manager.service.js';
import { CacheMemory } from './cache-memory.js';
import { CACHE_OPTIONS, type CacheOptions, resolveCacheOptions } from './cache.options.js';
import { CacheReader } from './cache-reader.js';
import { CacheRefresher } from './cache-refresher.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheService } from './cache.service.js';
import { CacheStore } from './cache.store.js';
import { CacheTransactions } from './cache-transactions.js';
import { CacheWriter } from './cache-writer.js';
import { CachedAspect } from './cached.aspect.js';
import { HttpCacheService } from './http-cache.service.js';
import { EntryBuilder } from './entry-builder.js';
import { FactoryRunner } from './factory-runner.js';
import { CachedItems } from './cached-items.js';
import { InvalidationBus } from './invalidation-bus.js';
import { L2Breaker } from './l2-breaker.js';
import { RedisCacheStore } from './redis-cache.store.js';
import { TagBook } from './tag-book.js';

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
        L2Breaker,
        InvalidationBus,
        CacheRegistry,
        CacheTransactions,
        TagBook,
        CacheMemory,
        CacheReader,
        CacheLeases,
        FactoryRunner,
        EntryBuilder,
        CacheFiller,
        CacheRefresher,
        CacheFlight,
        CacheLoader,
        CacheBatch,
        CachedItems,
        CacheInvalidator,
        CacheWriter,
        CacheService,
        CachedAspect,
        CacheEvictAspect,
        CacheManagerService,
        HttpCacheService,
      ],
      exports: [
        CacheService,
        CachedAspect,
        CacheEvictAspect,
        CacheManagerService,
        HttpCacheService,
      ],
    };
  }
}
