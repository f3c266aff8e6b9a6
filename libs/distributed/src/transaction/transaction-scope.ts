/**
 * A scope: the part of a transaction that commits or rolls back as one, i.e. the transaction itself
 * or a savepoint. It is the fence (nothing runs in it after it ended) and it remembers what failed.
 */
import type { Deadline } from './deadline.js';
import { HeldAdvisoryLocks } from './held-advisory-locks.js';
import type { IsolationLevel } from './isolation.js';
import { StatementQueue } from './statement-queue.js';
import type { TransactionConnection } from './transaction-connection.js';
import {
  sqlStateOf,
  TransactionClosedError,
  TransactionTimeoutError,
  UnawaitedScopeError,
  UnexpectedRollbackError,
} from './transaction.errors.js';
import { TransactionHooks } from './transaction-hooks.js';
import type { Runner, TypeOrmDataSource } from './typeorm-surface.js';

/** What all scopes of one transaction share. */
export class OpenTransaction {
  readonly queue = new StatementQueue<TransactionScope>();
  readonly advisoryLocks = new HeldAdvisoryLocks<TransactionScope>();
  /** No statement may reach the connection any more: its outcome is decided. */
  ended = false;
  #timedOut: TransactionTimeoutError | undefined;
  #savepoints = 0;

  constructor(
    readonly dataSource: TypeOrmDataSource,
    readonly connection: TransactionConnection,
    readonly deadline: Deadline,
    readonly facts: {
      readonly label: string;
      readonly dataSourceName: string;
      readonly isolation: IsolationLevel;
      readonly readOnly: boolean;
    },
  ) {}

  /** A savepoint name that was never used in this transaction. */
  nextSavepoint(): string {
    this.#savepoints += 1;
    return `nestjs_distributed_${this.#savepoints}`;
  }

  /** Closes the fence for good: the time is over. */
  timeOut(): TransactionTimeoutError {
    const blocked = this.queue.blocked;
    const what =
      blocked > 0
        ? `${blocked} of its statements waited for a savepoint to end; does that savepoint wait for them?`
        : 'the method was still running';
    this.#timedOut ??= new TransactionTimeoutError(this.facts.label, this.deadline.ms, what);
    return this.#timedOut;
  }

  /** Why work is refused. */
  refusal(label: string): Error {
    return this.#timedOut ?? new TransactionClosedError(label);
  }

  get isTimedOut(): boolean {
    return this.#timedOut !== undefined;
  }

  /** The clearest form of a failed statement: keeps the server's error, names what the library knows. */
  explain(error: unknown): unknown {
    const sqlstate = sqlStateOf(error);
    const overdue = this.isTimedOut || this.deadline.remainingMs <= 1;
    if (overdue && (sqlstate === '57014' || this.connection.isLost)) {
      const { label } = this.facts;
      return new TransactionTimeoutError(label, this.deadline.ms, 'a statement was still running', {
        cause: error,
      });
    }
    return this.connection.isLost && sqlstate === undefined ? this.connection.lostError() : error;
  }
}

/** What makes a scope more than the transaction itself. */
export interface ScopeOptions {
  readonly label?: string;
  /** The scope this one is a savepoint in. */
  readonly parent?: TransactionScope;
  readonly savepoint?: string;
  /** The scope whose beforeCommit hooks this one runs: it takes statements though the host is closed. */
  readonly host?: TransactionScope;
}

export class TransactionScope {
  readonly label: string;
  readonly parent: TransactionScope | undefined;
  readonly savepoint: string | undefined;
  readonly hooks: TransactionHooks;
  /** What TypeORM sees as the query runner; made at first use. */
  facade: Runner | undefined;
  /** The first failed statement; a transaction block may be aborted by it. */
  firstFailure: { readonly cause: unknown } | undefined;
  /** Calls in this scope, or savepoints in it, that have not ended. */
  running = 0;
  /** Locks whose fence this scope has passed; a savepoint that rolls back forgets its own. */
  readonly #fenced = new WeakSet<object>();
  readonly #host: TransactionScope | undefined;
  #rollbackOnly: { readonly cause: unknown; readonly requested: boolean } | undefined;
  #closed = false;
  #refused = 0;
  #pending = 0;

  constructor(
    readonly transaction: OpenTransaction,
    options: ScopeOptions = {},
  ) {
    this.label = options.label ?? transaction.facts.label;
    this.parent = options.parent;
    this.savepoint = options.savepoint;
    this.#host = options.host;
    this.hooks = options.host?.hooks ?? new TransactionHooks();
  }

  /** Whether statements are taken. */
  get isOpen(): boolean {
    return !this.#closed && !this.transaction.ended && (this.parent?.isOpen ?? true);
  }

  get isRollbackOnly(): boolean {
    return this.#rollbackOnly !== undefined;
  }

  /** Whether the fence of `lock` holds in this scope. */
  hasEntered(lock: object): boolean {
    return this.#fenced.has(lock) || (this.parent?.hasEntered(lock) ?? false);
  }

  /** The fence of `lock` was passed in this scope. */
  entered(lock: object): void {
    this.#fenced.add(lock);
  }

  /** True for this scope and everything further in. */
  isWithin(scope: TransactionScope): boolean {
    return this === scope || ((this.parent ?? this.#host)?.isWithin(scope) ?? false);
  }

  /** Runs one statement in its turn; refuses it when the scope has ended. */
  submit<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isOpen) {
      this.#refused += 1;
      return Promise.reject(this.transaction.refusal(this.label));
    }
    return this.#observed(work);
  }

  /** The scope can only roll back. `requested`: its own method asked for it, so that is no surprise. */
  markRollbackOnly(cause: unknown, requested = false): void {
    if (!this.#rollbackOnly || requested) this.#rollbackOnly = { cause, requested };
  }

  /** Takes no statements from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Ends a scope whose body succeeded: takes nothing new and looks for reasons against keeping the
   * work. A statement still under way is one: what comes after it would be lost. Resolves to false
   * when its own method asked for a rollback.
   * @throws UnawaitedScopeError `E_TRANSACTION_UNAWAITED`
   * @throws UnexpectedRollbackError `E_TRANSACTION_UNEXPECTED_ROLLBACK`
   */
  async finish(): Promise<boolean> {
    this.close();
    if (this.running > 0 || this.#pending > 0) throw new UnawaitedScopeError(this.label);
    if (this.parent?.isOpen === false) throw this.transaction.refusal(this.label);
    if (this.#rollbackOnly?.requested) return false;
    if (this.#rollbackOnly) throw new UnexpectedRollbackError(this.label, this.#rollbackOnly.cause);
    if (this.firstFailure && (await this.#isAborted()))
      throw new UnexpectedRollbackError(this.label, this.firstFailure.cause);
    return true;
  }

  /** @throws UnawaitedScopeError when work came after the body ended and before the outcome */
  assertNothingRefused(): void {
    if (this.#refused > 0) throw new UnawaitedScopeError(this.label);
  }

  /**
   * Ends the scope for a rollback: `undo` runs next, everything that waits further in is refused.
   * @throws when `undo` does, or when a scope further out is ending and undoes everything anyway
   */
  async abort(undo: () => Promise<void>): Promise<void> {
    const { queue } = this.transaction;
    const refusal = (): Error => this.transaction.refusal(this.label);
    this.close();
    queue.refuse((owner) => owner.isWithin(this), refusal);
    if (this.parent?.isOpen === false) throw refusal();
    queue.handOver(undefined, this);
    await this.#last(undo);
  }

  /** Runs the last step of a savepoint that is kept. */
  async end(work: () => Promise<void>): Promise<void> {
    if (this.parent?.isOpen === false) throw this.transaction.refusal(this.label);
    await this.#last(work);
  }

  /** Runs a step in this scope's turn, past the fence, and gives the turn back to the parent. */
  #last(work: () => Promise<void>): Promise<void> {
    return this.#control(async () => {
      try {
        await work();
      } finally {
        if (this.parent) this.transaction.queue.handOver(this, this.parent);
      }
    });
  }

  /** Runs one of the library's own steps in this scope's turn, past the fence. */
  #control(work: () => Promise<void>): Promise<void> {
    return this.transaction.queue.submit(this, work);
  }

  async #observed<T>(work: () => Promise<T>): Promise<T> {
    const { connection, queue } = this.transaction;
    this.#pending += 1;
    try {
      return await queue.submit(this, async () => {
        if (connection.isLost) throw connection.lostError();
        await connection.fitStatementLimit();
        return await work();
      });
    } catch (error) {
      const cause = this.transaction.explain(error);
      this.firstFailure ??= { cause };
      throw cause;
    } finally {
      this.#pending -= 1;
    }
  }

  /** Asks the server; a failed statement may have been undone by hand with a savepoint. */
  async #isAborted(): Promise<boolean> {
    try {
      await this.#control(async () => void (await this.transaction.connection.send('SELECT 1')));
      return false;
    } catch {
      return true;
    }
  }
}
