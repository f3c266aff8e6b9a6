/** Distributed locks: `nestjs-distributed/lock`. */
export { DistributedSemaphore } from './distributed-semaphore.js';
export { DistributedLock, type KeylessMethodAspect } from './distributed-lock.decorator.js';
export type { LockDurability } from './durability.options.js';
export type {
  ElectionOptions,
  LeaderExecuteOptions,
  LeaderOnlyOptions,
} from './election.options.js';
export { LeaderAspect } from './leader.aspect.js';
export { LeaderElection } from './leader-election.js';
export { LeaderOnly, type SkippableMethodAspect } from './leader-only.decorator.js';
export { FENCE_TABLE, fenceTableSql, pruneFencesSql } from './fence-table.js';
export {
  fencedRedis,
  type FencedRedisOptions,
  type RedisFence,
  type RedisFenceReply,
} from './fenced-redis.js';
export { fencedSql, type FencedSqlOptions, type SqlExecutor, type SqlFence } from './fenced-sql.js';
export { LockAspect } from './lock.aspect.js';
export {
  FenceUnusableError,
  LockBackendError,
  LockClosedError,
  LockFeatureError,
  LockHeldError,
  LockLostError,
  type LockLossReason,
  type LockReplicas,
  LockSetupError,
  LockUpgradeError,
  LockWaitTimeoutError,
  NotLeaderError,
  StaleLockError,
  UnfencedLockError,
} from './lock.errors.js';
export { type AcquireOutcome, LOCK_CHANNELS, type LockEvents } from './lock.events.js';
export type { LockKeyInput, LockKeyOption } from './lock-keys.js';
export {
  LOCK_METRICS,
  type LockMeter,
  type MeterCounter,
  type MeterHistogram,
  type MeterInstrumentOptions,
  recordLockMetrics,
} from './lock-metrics.js';
export { Lock, type ReleaseOutcome } from './lock.js';
export { LockModule } from './lock.module.js';
export type {
  DistributedLockOptions,
  LockAcquireOptions,
  LockDefaults,
  LockExecuteOptions,
  LockModuleOptions,
  LockOptions,
  LockTryOptions,
} from './lock.options.js';
export { currentLock, currentLocks, currentPermit } from './lock-scope.js';
export { LockService } from './lock.service.js';
export {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockMode,
  type LockState,
  LockStore,
  type LockStoreListener,
  type ReleaseReply,
  type RenewCommand,
  type StoreCallOptions,
} from './lock.store.js';
export { SemaphoreAspect } from './semaphore.aspect.js';
export { Semaphore } from './semaphore.decorator.js';
export type {
  SemaphoreAcquireOptions,
  SemaphoreDecoratorOptions,
  SemaphoreExecuteOptions,
  SemaphoreOptions,
  SemaphoreTryOptions,
} from './semaphore.options.js';
export type { PostgresLockClient, PostgresLockPool } from './postgres-lock-pool.js';
export { POSTGRES_LOCK_DDL } from './postgres-lock-schema.js';
export { PostgresLockStore } from './postgres-lock.store.js';
export type { RedlockNodeOptions, RedlockOptions } from './redlock.options.js';
export { RedlockStore } from './redlock.store.js';
