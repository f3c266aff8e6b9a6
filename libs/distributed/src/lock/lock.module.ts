/** Wires the lock capability. */
import { type DynamicModule, Module } from '@nestjs/common';
import { InvalidOptionsError } from '../distributed.errors.js';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { validateOptions } from '../distributed.validation.js';
import { RedisConnection } from '../redis/index.js';
import { LeaderAspect } from './leader.aspect.js';
import { LockAspect } from './lock.aspect.js';
import { lockSchemas } from './lock.options.js';
import { LockService } from './lock.service.js';
import { LockStore } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';
import { SemaphoreAspect } from './semaphore.aspect.js';

/** Provides `LockService` and the handlers of `@DistributedLock`, `@Semaphore` and `@LeaderOnly`. */
@Module({})
export class LockModule {
  /**
   * @param imports modules that provide Clock, Random, the raw options of the capability and,
   *   unless these name a `store`, RedisConnection
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: LockModule,
      imports,
      providers: [
        {
          provide: LockStore,
          inject: [capabilityOptionsToken('lock'), { token: RedisConnection, optional: true }],
          useFactory: chooseStore,
        },
        LockService,
        LockAspect,
        SemaphoreAspect,
        LeaderAspect,
      ],
      exports: [LockService, LockAspect, SemaphoreAspect, LeaderAspect],
    };
  }
}

/** The user's store, or else Redis. */
async function chooseStore(
  options: unknown,
  redis: RedisConnection | undefined,
): Promise<LockStore> {
  const path = 'DistributedModule.forRoot().lock';
  const { store, durability, defaults } = validateOptions(lockSchemas.module, options, path);
  if (store && durability) {
    throw new InvalidOptionsError(
      `${path}.durability`,
      'is for the locks in the Redis of the application; a `store` has its own. Remove one of the two',
    );
  }
  if (store?.keepsOrder === false && defaults.fairness === 'strict') {
    throw new InvalidOptionsError(
      `${path}.defaults.fairness`,
      "'strict' needs a store that serves waiters in order; the one given does not. Remove one of the two",
    );
  }
  if (store) return store;
  if (!redis)
    throw new InvalidOptionsError(`${path}.store`, 'is needed where no Redis is configured');
  if (!durability) return new RedisLockStore(redis);
  const { replicas, timeout: timeoutMs } = durability;
  return new RedisLockStore(redis, await redis.replicated({ replicas, timeoutMs }));
}
