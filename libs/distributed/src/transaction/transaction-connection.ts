/**
 * The connection of one transaction: START, COMMIT with a look at the answer's tag, ROLLBACK, and
 * the rule for giving it back: whatever is not known to be clean is destroyed, never pooled.
 */
import type { Deadline } from './deadline.js';
import type { IsolationLevel } from './isolation.js';
import {
  CommitFailedError,
  CommitOutcomeUnknownError,
  sqlStateOf,
  TransactionConnectionLostError,
  TransactionTimeoutError,
  UnexpectedRollbackError,
} from './transaction.errors.js';
import type { CommandAnswer, DriverClient, Runner, TypeOrmDataSource } from './typeorm-surface.js';

/** How long an answer may stay out after the deadline before the connection is destroyed. */
export const ANSWER_GRACE_MS = 1_000;

/** Limits a session of the DataSource has anyway; 0 means none. */
export interface SessionLimits {
  readonly statementTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** How to start. */
export interface StartOptions {
  readonly label: string;
  readonly isolation: IsolationLevel | undefined;
  readonly readOnly: boolean;
  readonly limits: SessionLimits;
}

export class TransactionConnection {
  /** TypeORM's runner on this connection; only the scope facade may use it. */
  readonly runner: Runner;
  readonly #client: DriverClient;
  readonly #dataSource: TypeOrmDataSource;
  readonly #deadline: Deadline;
  readonly #options: StartOptions;
  readonly #onError = (error: unknown): void => {
    this.#lost ??= { cause: error };
  };
  #lost: { readonly cause: unknown } | undefined;
  #statementLimitMs: number;

  private constructor(
    dataSource: TypeOrmDataSource,
    runner: Runner,
    client: DriverClient,
    deadline: Deadline,
    options: StartOptions,
  ) {
    this.#dataSource = dataSource;
    this.runner = runner;
    this.#client = client;
    this.#deadline = deadline;
    this.#options = options;
    this.#statementLimitMs = this.#firstLimitMs();
    client.on('error', this.#onError);
  }

  /**
   * Takes a connection from the pool; the wait counts against the deadline.
   * @throws TransactionTimeoutError `E_TRANSACTION_TIMEOUT` when the pool has none in time
   */
  static async acquire(
    dataSource: TypeOrmDataSource,
    deadline: Deadline,
    options: StartOptions,
  ): Promise<TransactionConnection> {
    const runner = dataSource.createQueryRunner('master');
    const connecting = runner.connect();
    const late = (): Error => {
      // It may still arrive; the pool must have it back.
      connecting.then(
        () => runner.release(),
        () => undefined,
      );
      return new TransactionTimeoutError(
        options.label,
        deadline.ms,
        'waiting for a free connection; are all of them held by transactions that wait for one more?',
      );
    };
    const client = (await deadline.race(connecting, late)) as DriverClient;
    return new TransactionConnection(dataSource, runner, client, deadline, options);
  }

  /** Whether the connection is known to be broken; then the server has rolled back, or will. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** The error of a connection that broke before COMMIT was sent. */
  lostError(): TransactionConnectionLostError {
    return new TransactionConnectionLostError(this.#options.label, this.#lost?.cause);
  }

  /**
   * One round trip: isolation, mode and the server's own time limits travel with START.
   * @throws TransactionTimeoutError `E_TRANSACTION_TIMEOUT` without an answer in time
   * @throws TransactionConnectionLostError `E_TRANSACTION_CONNECTION_LOST`; what the server refused
   */
  async start(): Promise<void> {
    const { isolation, readOnly, limits, label } = this.#options;
    const modes = [isolation && `ISOLATION LEVEL ${isolation}`, readOnly && 'READ ONLY'];
    const statements = [`START TRANSACTION ${modes.filter(Boolean).join(', ')}`.trim()];
    if (this.#statementLimitMs !== limits.statementTimeoutMs)
      statements.push(setTimeoutSql('statement_timeout', this.#statementLimitMs));
    // The server's guard against this process freezing; ours, at the deadline, comes first.
    const idleMs = this.#deadline.ms + ANSWER_GRACE_MS;
    if (limits.idleTimeoutMs === 0 || idleMs < limits.idleTimeoutMs)
      statements.push(setTimeoutSql('idle_in_transaction_session_timeout', idleMs));
    try {
      await this.#deadline.race(
        this.send(statements.join('; ')),
        () =>
          new TransactionTimeoutError(label, this.#deadline.ms, 'waiting for START TRANSACTION'),
      );
    } catch (error) {
      const explained = error instanceof TransactionTimeoutError || isRefusal(error);
      if (!explained) this.#lost ??= { cause: error };
      await this.destroy();
      throw explained ? error : this.lostError();
    }
  }

  /** Sends one of the library's own statements. */
  async send(sql: string): Promise<CommandAnswer> {
    this.#dataSource.logger.logQuery(sql, undefined, this.runner);
    try {
      return await this.#client.query(sql);
    } catch (error) {
      this.#dataSource.logger.logQueryError(error, sql, undefined, this.runner);
      throw error;
    }
  }

  /** Sends several in one round trip. The first that fails ends them, and a transaction block with them. */
  async sendAll(statements: readonly string[]): Promise<readonly CommandAnswer[]> {
    // node-postgres answers several statements with an array.
    const answer: CommandAnswer | CommandAnswer[] = await this.send(statements.join('; '));
    return Array.isArray(answer) ? (answer as CommandAnswer[]) : [answer];
  }

  /**
   * Keeps the server's statement limit near the time that is left. A short transaction pays nothing;
   * a long one at most ten extra round trips, for an overshoot of a tenth of its timeout.
   */
  async fitStatementLimit(): Promise<void> {
    const remaining = Math.max(1, Math.ceil(this.#deadline.remainingMs));
    if (this.#statementLimitMs - remaining <= this.#deadline.ms / 10) return;
    try {
      await this.send(setTimeoutSql('statement_timeout', remaining));
      this.#statementLimitMs = remaining;
    } catch {
      // An aborted transaction: the statement that follows reports it better.
    }
  }

  /** After ROLLBACK TO SAVEPOINT: the server forgot limits set since the savepoint. */
  forgetStatementLimit(): void {
    this.#statementLimitMs = this.#firstLimitMs();
  }

  /**
   * Commits and proves it: PostgreSQL answers COMMIT of a failed transaction with the tag ROLLBACK
   * and no error.
   * @param cause the first failure inside the transaction, to explain such an answer
   * @throws UnexpectedRollbackError, CommitFailedError, TransactionConnectionLostError: nothing stored
   * @throws CommitOutcomeUnknownError `E_TRANSACTION_OUTCOME_UNKNOWN`
   */
  async commit(cause: unknown): Promise<void> {
    const { label } = this.#options;
    if (this.isLost) {
      await this.destroy();
      throw this.lostError();
    }
    let answer: CommandAnswer;
    try {
      answer = await this.#deadline.race(
        this.send('COMMIT'),
        () => new TransactionTimeoutError(label, this.#deadline.ms, 'waiting for COMMIT'),
        ANSWER_GRACE_MS,
      );
    } catch (error) {
      if (!isRefusal(error)) {
        await this.destroy();
        throw new CommitOutcomeUnknownError(label, error);
      }
      await this.#giveBack();
      throw new CommitFailedError(label, error);
    }
    if (answer.command === 'COMMIT') return;
    if (answer.command !== 'ROLLBACK') {
      await this.destroy();
      throw new CommitOutcomeUnknownError(
        label,
        new Error(`COMMIT was answered with the tag ${String(answer.command)}`),
      );
    }
    await this.#giveBack();
    throw new UnexpectedRollbackError(label, cause);
  }

  /**
   * Rolls back and gives the connection back; one that fails is destroyed. Never throws.
   * @param rolledBack runs between the two, only if the server confirmed; must not throw
   */
  async rollback(rolledBack: () => Promise<void>): Promise<void> {
    if (this.isLost) return this.destroy();
    try {
      const answer = await this.send('ROLLBACK');
      if (answer.command !== 'ROLLBACK') return await this.destroy();
      await rolledBack();
      await this.#giveBack();
    } catch {
      await this.destroy();
    }
  }

  /** Gives a clean connection back to the pool. */
  async release(): Promise<void> {
    if (this.isLost) return this.destroy();
    await this.#giveBack();
  }

  /** Closes the connection: the server rolls back what is open, the pool replaces it. */
  async destroy(): Promise<void> {
    // The listener stays: a dying socket may still report errors, and nobody else listens then.
    this.#lost ??= { cause: undefined };
    this.#client.end().catch(() => undefined);
    await this.runner.release();
  }

  async #giveBack(): Promise<void> {
    await this.runner.release();
    this.#client.removeListener('error', this.#onError);
  }

  #firstLimitMs(): number {
    const { statementTimeoutMs } = this.#options.limits;
    const own = Math.max(1, Math.ceil(this.#deadline.ms));
    return statementTimeoutMs === 0 ? own : Math.min(own, statementTimeoutMs);
  }
}

function setTimeoutSql(name: string, ms: number): string {
  return `SET LOCAL ${name} = ${Math.min(Math.ceil(ms), 2_147_483_647)}`;
}

/**
 * Whether the server itself said no. Codes that end the session (FATAL: 08 connection, 57P shutdown,
 * 58 system, XX internal, 25P03/25P04 session timeouts) and 40003 leave the outcome open.
 */
function isRefusal(error: unknown): boolean {
  const sqlstate = sqlStateOf(error);
  return sqlstate !== undefined && !/^(08|57P|58|XX|F0|25P0[34]|40003)/.test(sqlstate);
}
