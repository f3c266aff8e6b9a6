/**
 * One database transaction from START to its hooks. Order of the end: take nothing new, run what was
 * taken, beforeCommit hooks, COMMIT and its tag, give the connection back, after-hooks outside.
 */
import type { Clock } from '../time/index.js';
import { Deadline } from './deadline.js';
import { type IsolationLevel, isolationLevel } from './isolation.js';
import { rollsBack } from './rollback-rules.js';
import {
  ANSWER_GRACE_MS,
  type SessionLimits,
  TransactionConnection,
} from './transaction-connection.js';
import type { TransactionContext } from './transaction-context.js';
import { CommitOutcomeUnknownError } from './transaction.errors.js';
import {
  transactionEvents,
  type HookPhase,
  type TransactionOutcome,
} from './transaction.events.js';
import type { ResolvedTransactionOptions } from './transaction.options.js';
import { OpenTransaction, TransactionScope } from './transaction-scope.js';
import type { TypeOrmDataSource } from './typeorm-surface.js';

/** What a transaction needs of its surroundings. */
export interface TransactionEnvironment {
  readonly clock: Clock;
  readonly context: TransactionContext;
  readonly dataSource: TypeOrmDataSource;
  readonly dataSourceName: string;
  readonly limits: SessionLimits;
  /** Isolation of a transaction that asks for none. */
  readonly defaultIsolation: IsolationLevel;
  readonly timeoutMs: number;
  readonly onHookError: (error: unknown, label: string, phase: HookPhase) => void;
}

/** How a body ended. */
export type Ended<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** Turns a promise into a value that says how it ended. */
export async function ended<T>(work: Promise<T>): Promise<Ended<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Runs `fn` in a new transaction; see the file comment. */
export async function runInNewTransaction<T>(
  environment: TransactionEnvironment,
  options: ResolvedTransactionOptions,
  label: string,
  fn: () => Promise<T>,
): Promise<T> {
  const transaction = await open(environment, options, label);
  const run = new Run(environment, new TransactionScope(transaction));
  const body = await run.body(fn);
  if (!body.ok && rollsBack(body.error, options)) {
    await run.rollback(body.error);
    throw body.error;
  }
  if (await run.prepare()) await run.commit();
  if (!body.ok) throw body.error;
  return body.value;
}

async function open(
  environment: TransactionEnvironment,
  options: ResolvedTransactionOptions,
  label: string,
): Promise<OpenTransaction> {
  const { dataSource, dataSourceName, defaultIsolation } = environment;
  const deadline = new Deadline(environment.clock, options.timeout ?? environment.timeoutMs);
  const configured = dataSource.options.isolationLevel;
  const isolation = options.isolation ?? (configured ? isolationLevel(configured) : undefined);
  const { readOnly } = options;
  const start = { label, isolation, readOnly, limits: environment.limits };
  const connection = await TransactionConnection.acquire(dataSource, deadline, start);
  const waitedMs = deadline.elapsedMs;
  await connection.start();
  transactionEvents.emit('begin', () => ({ label, dataSource: dataSourceName, waitedMs }));
  return new OpenTransaction(dataSource, connection, deadline, {
    label,
    dataSourceName,
    isolation: isolation ?? defaultIsolation,
    readOnly,
  });
}

class Run {
  readonly #environment: TransactionEnvironment;
  readonly #transaction: OpenTransaction;
  readonly #scope: TransactionScope;

  constructor(environment: TransactionEnvironment, scope: TransactionScope) {
    this.#environment = environment;
    this.#scope = scope;
    this.#transaction = scope.transaction;
    this.#transaction.queue.handOver(undefined, scope);
  }

  /** Runs the body until it ends or the time is over. */
  body<T>(fn: () => Promise<T>): Promise<Ended<T>> {
    const { context, dataSource } = this.#environment;
    const work = context.enter(dataSource, { scope: this.#scope, joined: false }, fn);
    return ended(this.#transaction.deadline.race(work, () => this.#transaction.timeOut()));
  }

  /** Everything that can still say no. False: the method itself asked for a rollback, which is done. */
  async prepare(): Promise<boolean> {
    let wanted: boolean;
    try {
      const late = (): Error => this.#transaction.timeOut();
      wanted = await this.#transaction.deadline.race(this.#finish(), late);
    } catch (error) {
      await this.rollback(error);
      throw error;
    }
    if (!wanted) await this.rollback(undefined);
    return wanted;
  }

  async commit(): Promise<void> {
    this.#transaction.ended = true;
    const { connection } = this.#transaction;
    try {
      await connection.commit(this.#scope.firstFailure?.cause);
    } catch (error) {
      const unknown = error instanceof CommitOutcomeUnknownError;
      await this.#conclude(unknown ? 'UNKNOWN' : 'ROLLED_BACK', error);
      throw error;
    }
    await this.#notifySubscribers('AfterTransactionCommit', 'afterCommit');
    await connection.release();
    await this.#conclude('COMMITTED');
  }

  /** Never throws: what made it roll back is the result. */
  async rollback(cause: unknown): Promise<void> {
    const { connection, deadline } = this.#transaction;
    this.#transaction.ended = true;
    const undo = async (): Promise<void> => {
      await this.#notifySubscribers('BeforeTransactionRollback', 'afterRollback');
      await connection.rollback(() =>
        this.#notifySubscribers('AfterTransactionRollback', 'afterRollback'),
      );
    };
    try {
      // A statement may still be running; the server ends it at its limit, a tenth late at most.
      const graceMs = deadline.ms / 10 + ANSWER_GRACE_MS;
      await deadline.race(this.#scope.abort(undo), () => new Error('no answer'), graceMs);
    } catch {
      await connection.destroy();
    }
    await this.#conclude('ROLLED_BACK', cause);
  }

  async #finish(): Promise<boolean> {
    const wanted = (await this.#scope.finish()) && (await this.#runBeforeCommit());
    this.#scope.assertNothingRefused();
    return wanted;
  }

  /** Hooks run in a scope of their own: they may query though the body's scope takes nothing. */
  async #runBeforeCommit(): Promise<boolean> {
    const { context, dataSource } = this.#environment;
    const { hooks } = this.#scope;
    if (!hooks.hasBeforeCommit && dataSource.subscribers.length === 0) return true;
    const phase = new TransactionScope(this.#transaction, { host: this.#scope });
    this.#transaction.queue.handOver(this.#scope, phase);
    await context.enter(dataSource, { scope: phase, joined: false }, async () => {
      for (let hook = hooks.takeBeforeCommit(); hook; hook = hooks.takeBeforeCommit()) await hook();
      if (dataSource.subscribers.length > 0)
        await dataSource.manager.queryRunner?.broadcaster.broadcast('BeforeTransactionCommit');
    });
    const wanted = await phase.finish();
    this.#transaction.queue.handOver(phase, this.#scope);
    return wanted;
  }

  async #conclude(outcome: TransactionOutcome, error?: unknown): Promise<void> {
    const { context, dataSource, dataSourceName, onHookError } = this.#environment;
    const { facts, deadline } = this.#transaction;
    transactionEvents.emit('end', () => ({
      label: facts.label,
      dataSource: dataSourceName,
      outcome,
      durationMs: deadline.elapsedMs,
      ...(error === undefined ? {} : { error }),
    }));
    await context.suspend(dataSource, () =>
      this.#scope.hooks.fire({ outcome, cause: error }, (phase, failure) =>
        onHookError(failure, facts.label, phase),
      ),
    );
  }

  /** TypeORM's own transaction subscribers keep working; their failures no longer lie about the outcome. */
  async #notifySubscribers(event: string, phase: HookPhase): Promise<void> {
    const { context, dataSource, onHookError } = this.#environment;
    const { runner } = this.#transaction.connection;
    if (dataSource.subscribers.length === 0 || runner.isReleased) return;
    try {
      await context.suspend(dataSource, () => runner.broadcaster.broadcast(event));
    } catch (error) {
      onHookError(error, this.#transaction.facts.label, phase);
    }
  }
}
