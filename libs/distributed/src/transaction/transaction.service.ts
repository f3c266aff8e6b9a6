/** The service twin of `@Transactional`, and the hooks of the transaction around the caller. */
import { Injectable } from '@nestjs/common';
import { validateOptions } from '../distributed.validation.js';
import {
  type AdvisoryLockKey,
  advisoryLockRequest,
  advisoryLockSchema,
  type AdvisoryLockSettings,
} from './advisory-lock.options.js';
import type { DataSourceLike } from './data-source-like.js';
import type { IsolationLevel } from './isolation.js';
import { TransactionRequiredError } from './transaction.errors.js';
import type {
  AfterCommitHook,
  AfterCompletionHook,
  AfterRollbackHook,
  BeforeCommitHook,
} from './transaction-hooks.js';
import { type TransactionOptions, transactionOptionsSchema } from './transaction.options.js';
import { TransactionRunner } from './transaction-runner.js';
import type { TransactionScope } from './transaction-scope.js';

/** What the transaction around the caller is like. */
export interface CurrentTransaction {
  /** The method or call that opened it. */
  readonly label: string;
  /** Name of its DataSource. */
  readonly dataSource: string;
  readonly isolation: IsolationLevel;
  readonly readOnly: boolean;
  /** True inside a savepoint. */
  readonly isNested: boolean;
  /** True when this scope can only roll back. */
  readonly isRollbackOnly: boolean;
  /** Milliseconds until its timeout. */
  readonly remainingMs: number;
}

/** How `TransactionService.advisoryLock` takes the lock. */
export interface AdvisoryLockCallOptions extends AdvisoryLockSettings {
  /** Default: the transaction entered last. */
  readonly dataSource?: string | DataSourceLike;
}

/** Options of a call that may be skipped. */
export type SkippingTransactionOptions = TransactionOptions & {
  readonly advisoryLock: { readonly ifLocked: 'skip' };
};

/** Which transaction a hook belongs to, when several DataSources have one. */
export interface HookOptions {
  /** Default: the transaction entered last. */
  readonly dataSource?: string | DataSourceLike;
}

@Injectable()
export class TransactionService {
  constructor(private readonly runner: TransactionRunner) {}

  /**
   * Runs `fn` in a transaction, as `@Transactional(options)` runs a method. `fn`'s own error arrives
   * unchanged.
   */
  run<T>(fn: () => Promise<T>, options: SkippingTransactionOptions): Promise<T | undefined>;
  run<T>(fn: () => Promise<T>, options?: TransactionOptions): Promise<T>;
  async run<T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T | undefined> {
    const checked = validateOptions(
      transactionOptionsSchema,
      options,
      'TransactionService.run() options',
    );
    return await this.runner.execute(checked, checked.label ?? 'TransactionService.run()', fn);
  }

  /** Alias of `run`. A method, not a free function: only it knows the application. */
  runInTransaction<T>(
    fn: () => Promise<T>,
    options: SkippingTransactionOptions,
  ): Promise<T | undefined>;
  runInTransaction<T>(fn: () => Promise<T>, options?: TransactionOptions): Promise<T>;
  runInTransaction<T>(fn: () => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.run(fn, options);
  }

  /** The transaction around the caller, if any: of one DataSource, else the one entered last. */
  current(dataSource?: string | DataSourceLike): CurrentTransaction | undefined {
    const scope = this.runner.frame(dataSource)?.scope;
    if (!scope) return undefined;
    const { facts, deadline } = scope.transaction;
    return {
      label: facts.label,
      dataSource: facts.dataSourceName,
      isolation: facts.isolation,
      readOnly: facts.readOnly,
      isNested: scope.parent !== undefined,
      isRollbackOnly: scope.isRollbackOnly,
      remainingMs: deadline.remainingMs,
    };
  }

  /**
   * The transaction around the caller as an opaque object: the same one in every scope that joined
   * it, another one in every other transaction. For keeping facts about it in a WeakMap.
   */
  identity(dataSource?: string | DataSourceLike): object | undefined {
    return this.runner.frame(dataSource)?.scope.transaction;
  }

  /** Whether the caller is in a transaction that still takes statements. */
  isActive(dataSource?: string | DataSourceLike): boolean {
    return this.runner.frame(dataSource) !== undefined;
  }

  /**
   * Takes an advisory lock in the transaction around the caller: one round trip, held until that
   * transaction ends or the savepoint it was taken in is rolled back. Take it before what it protects
   * is read. False: another transaction holds it and `ifLocked` is `'skip'`. A refusal leaves the
   * transaction usable and none of the keys taken.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED` outside a transaction
   * @throws AdvisoryLockTimeoutError `E_TRANSACTION_ADVISORY_TIMEOUT`, AdvisoryLockHeldError
   *   `E_TRANSACTION_ADVISORY_HELD`, AdvisoryLockDeadlockError `E_TRANSACTION_ADVISORY_DEADLOCK`,
   *   AdvisoryLockSelfDeadlockError `E_TRANSACTION_ADVISORY_SELF_DEADLOCK`, AdvisoryLockUpgradeError
   *   `E_TRANSACTION_ADVISORY_UPGRADE`, AdvisoryLockIsolationError `E_TRANSACTION_ADVISORY_ISOLATION`,
   *   AdvisoryLockUnsupportedError `E_TRANSACTION_ADVISORY_UNSUPPORTED`
   */
  async advisoryLock(
    key: AdvisoryLockKey,
    { dataSource, ...settings }: AdvisoryLockCallOptions = {},
  ): Promise<boolean> {
    const where = 'TransactionService.advisoryLock()';
    const checked = validateOptions(advisoryLockSchema, { ...settings, key }, `${where} options`);
    const request = advisoryLockRequest(checked, [], where);
    const frame = this.runner.frame(dataSource);
    if (!frame) throw new TransactionRequiredError('advisoryLock()');
    return await this.runner.advisoryLock(frame, request);
  }

  /**
   * Makes the scope around the caller roll back at its end. Where the call that opened the scope asks
   * for it, that call still returns its value; where a joined one asks, the outer one gets
   * `E_TRANSACTION_UNEXPECTED_ROLLBACK`.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED`
   */
  setRollbackOnly(dataSource?: string | DataSourceLike): void {
    const frame = this.runner.frame(dataSource);
    if (!frame) throw new TransactionRequiredError('setRollbackOnly()');
    const cause = new Error('a joined call asked for it with setRollbackOnly()');
    frame.scope.markRollbackOnly(cause, !frame.joined);
  }

  /**
   * Calls `hook` before COMMIT, inside the transaction: it may query, and its throw rolls back and
   * becomes the result. Dropped when its savepoint rolls back.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED` outside a transaction
   */
  onBeforeCommit(hook: BeforeCommitHook, options?: HookOptions): void {
    this.#scope('onBeforeCommit()', options).hooks.add({ phase: 'beforeCommit', run: hook });
  }

  /**
   * Calls `hook` after COMMIT, outside the transaction and before the caller of the transactional
   * method continues: one after the other, in the order of registration, each awaited. A failure goes
   * to `onHookError` and changes nothing. Dropped when its savepoint rolls back.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED` outside a transaction
   */
  onAfterCommit(hook: AfterCommitHook, options?: HookOptions): void {
    this.#scope('onAfterCommit()', options).hooks.add({ phase: 'afterCommit', run: hook });
  }

  /**
   * Calls `hook` with the cause once the work of this scope was rolled back and the whole transaction
   * has ended. Not called when the outcome is unknown.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED` outside a transaction
   */
  onAfterRollback(hook: AfterRollbackHook, options?: HookOptions): void {
    this.#scope('onAfterRollback()', options).hooks.add({ phase: 'afterRollback', run: hook });
  }

  /**
   * Calls `hook` last, exactly once, with what became of the work of this scope.
   * @throws TransactionRequiredError `E_TRANSACTION_REQUIRED` outside a transaction
   */
  onAfterCompletion(hook: AfterCompletionHook, options?: HookOptions): void {
    this.#scope('onAfterCompletion()', options).hooks.add({ phase: 'afterCompletion', run: hook });
  }

  #scope(what: string, options?: HookOptions): TransactionScope {
    const frame = this.runner.frame(options?.dataSource);
    if (!frame) throw new TransactionRequiredError(what);
    return frame.scope;
  }
}
