/** Public surface of `nestjs-distributed/transaction`. */
export {
  AdvisoryLockDeadlockError,
  AdvisoryLockHeldError,
  AdvisoryLockIsolationError,
  AdvisoryLockSelfDeadlockError,
  AdvisoryLockTimeoutError,
  AdvisoryLockUnsupportedError,
  AdvisoryLockUpgradeError,
} from './advisory-lock.errors.js';
export type {
  AdvisoryLockKey,
  AdvisoryLockKeyOption,
  AdvisoryLockMode,
  AdvisoryLockOptions,
  AdvisoryLockSettings,
} from './advisory-lock.options.js';
export type { DataSourceLike } from './data-source-like.js';
export { type FenceExecutor, FencePort, type TransactionFence } from './fence.port.js';
export type { IsolationLevel } from './isolation.js';
export { Propagation } from './propagation.js';
export type { ErrorMatcher } from './rollback-rules.js';
export { ShardPort } from './shard.port.js';
export { TransactionAspect } from './transaction.aspect.js';
export {
  CommitFailedError,
  CommitOutcomeUnknownError,
  IncompatibleTransactionOptionsError,
  JoiningBrokenError,
  TransactionClosedError,
  TransactionConnectionLostError,
  TransactionFenceError,
  TransactionNotAllowedError,
  TransactionRequiredError,
  TransactionTimeoutError,
  TransactionUnsupportedError,
  UnawaitedScopeError,
  UnexpectedRollbackError,
  UnknownDataSourceError,
} from './transaction.errors.js';
export {
  type HookPhase,
  TRANSACTION_CHANNELS,
  type TransactionEvents,
  type TransactionOutcome,
} from './transaction.events.js';
export type {
  AfterCommitHook,
  AfterCompletionHook,
  AfterRollbackHook,
  BeforeCommitHook,
} from './transaction-hooks.js';
export { TransactionModule } from './transaction.module.js';
export type {
  HookFailure,
  TransactionModuleOptions,
  TransactionOptions,
} from './transaction.options.js';
export {
  type AdvisoryLockCallOptions,
  type CurrentTransaction,
  type HookOptions,
  type SkippingTransactionOptions,
  TransactionService,
} from './transaction.service.js';
export { Transactional, type TransactionalOptions } from './transactional.decorator.js';
