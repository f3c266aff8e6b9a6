/** Wires the lock capability. */
import { type DynamicModule, Module } from '@nestjs/common';
import { LockAspect } from './lock.aspect.js';
import { LockService } from './lock.service.js';
import { LockStore } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';

/** Provides `LockService` and the handler of `@DistributedLock`. */
@Module({})
export class LockModule {
  /**
   * @param imports modules that provide Clock, Random, RedisConnection and the raw options of
   *   the capability
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: LockModule,
      imports,
      providers: [{ provide: LockStore, useClass: RedisLockStore }, LockService, LockAspect],
      exports: [LockService, LockAspect],
    };
  }
}
