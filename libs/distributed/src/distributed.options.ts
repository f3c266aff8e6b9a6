/** The options of `DistributedModule.forRoot()`: one key per capability, and the Redis they share. */
import type { CacheOptions } from './cache/index.js';
import type { LockModuleOptions } from './lock/index.js';
import type { PartitionModuleOptions } from './partition/index.js';
import type { RedisOptions } from './redis/index.js';
import type { ResilienceModuleOptions } from './resilience/index.js';
import type { TransactionModuleOptions } from './transaction/index.js';

/** A capability that is left out is absent: its decorator fails the boot and says what to add. */
export interface DistributedModuleOptions {
  /**
   * Redis, for `lock` and `cache`: an address, a topology, a client of yours, or a function that
   * makes one. A client we made is closed by us; yours is not.
   */
  readonly redis?: RedisOptions | undefined;
  /** `@DistributedLock`, `LockService`. */
  readonly lock?: LockModuleOptions | undefined;
  /** `@Cached`, `@CachePut`, `@CacheEvict`, `CacheService`. */
  readonly cache?: CacheOptions | undefined;
  /** `@Transactional`, `TransactionService`. */
  readonly transaction?: TransactionModuleOptions | undefined;
  /** `@Partitioned`, `@InjectPartitionRepository`, `PartitionService`. */
  readonly partition?: PartitionModuleOptions | undefined;
  /** `@Resilient` and its parts, `ResilienceService`. */
  readonly resilience?: ResilienceModuleOptions | undefined;
}
