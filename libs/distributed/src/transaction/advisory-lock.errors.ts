/** Errors of advisory locks. Messages may name the keys; `details` never do. */
import { DistributedError } from '../distributed.errors.js';
import { sqlStateOf } from './transaction.errors.js';

/** Whether the body of the call that asked had begun. */
type Executed = 'no' | 'unknown';

/** `E_TRANSACTION_ADVISORY_TIMEOUT`: another transaction held the lock during the whole wait. */
export class AdvisoryLockTimeoutError extends DistributedError {
  /** `'no'`: the decorated body did not run. `'unknown'`: asked for inside a body. */
  readonly executed: Executed;

  constructor(label: string, keys: readonly string[], waitMs: number, executed: Executed) {
    super(
      'E_TRANSACTION_ADVISORY_TIMEOUT',
      `${label} did not get the advisory lock ${named(keys)} within ${waitMs} ms and holds nothing of it. ` +
        "Raise `wait`, shorten the transactions under the lock, or use ifLocked: 'skip' where one run is enough.",
      { retryable: true, details: { label, waitMs } },
    );
    this.executed = executed;
  }
}

/** `E_TRANSACTION_ADVISORY_HELD`: another transaction holds the lock and `ifLocked` is `'throw'`. */
export class AdvisoryLockHeldError extends DistributedError {
  /** See `AdvisoryLockTimeoutError`. */
  readonly executed: Executed;

  constructor(label: string, keys: readonly string[], executed: Executed) {
    super(
      'E_TRANSACTION_ADVISORY_HELD',
      `${label} did not get the advisory lock ${named(keys)}: another transaction holds it.`,
      { retryable: true, details: { label } },
    );
    this.executed = executed;
  }
}

/** `E_TRANSACTION_ADVISORY_DEADLOCK`: PostgreSQL found a ring of waiting transactions and broke it here. */
export class AdvisoryLockDeadlockError extends DistributedError {
  constructor(label: string, keys: readonly string[], cause: unknown) {
    super(
      'E_TRANSACTION_ADVISORY_DEADLOCK',
      `${label} and another transaction waited for each other at the advisory lock ${named(keys)}. ` +
        'Roll back and repeat; ask for several keys in one call, which takes them in one order everywhere.',
      { cause, retryable: true, details: { label, sqlstate: sqlStateOf(cause) } },
    );
  }
}

/**
 * `E_TRANSACTION_ADVISORY_SELF_DEADLOCK`: a transaction further out in the same call chain holds the
 * lock and would wait for this one. Nothing was run.
 */
export class AdvisoryLockSelfDeadlockError extends DistributedError {
  /** The body did not run; it will not the next time either. */
  readonly executed = 'no';

  constructor(label: string, key: string, outer: string) {
    super(
      'E_TRANSACTION_ADVISORY_SELF_DEADLOCK',
      `${label} asks for the advisory lock '${key}', which the transaction of ${outer} around it holds until it ends: ` +
        'it would wait for itself. Join that transaction instead of opening another, or do this work after it has ended.',
      { details: { label, outer } },
    );
  }
}

/**
 * `E_TRANSACTION_ADVISORY_UPGRADE`: the transaction shares a lock and asked for it exclusively. Two
 * that did so would wait for each other. Nothing was run.
 */
export class AdvisoryLockUpgradeError extends DistributedError {
  /** The body did not run; it will not the next time either. */
  readonly executed = 'no';

  constructor(label: string, key: string) {
    super(
      'E_TRANSACTION_ADVISORY_UPGRADE',
      `${label} asks exclusively for the advisory lock '${key}' that its transaction shares. Take it exclusively from the beginning.`,
      { details: { label } },
    );
  }
}

/** `E_TRANSACTION_ADVISORY_ISOLATION`: the snapshot of the transaction would be older than the lock. */
export class AdvisoryLockIsolationError extends DistributedError {
  /** The body did not run; it will not the next time either. */
  readonly executed = 'no';

  constructor(label: string, isolation: string) {
    super(
      'E_TRANSACTION_ADVISORY_ISOLATION',
      `${label} asks for an advisory lock in a transaction that is ${isolation}: its snapshot is taken before the wait, ` +
        "so it would not see what the holder before it committed. Use isolation: 'READ COMMITTED' with the lock, or no lock and repeat on E_TRANSACTION_COMMIT_FAILED or SQLSTATE 40001.",
      { details: { label, isolation } },
    );
  }
}

/** `E_TRANSACTION_ADVISORY_UNSUPPORTED`: the server has no advisory locks, or only pretends to. */
export class AdvisoryLockUnsupportedError extends DistributedError {
  constructor(dataSource: string, problem: string, cause?: unknown) {
    super(
      'E_TRANSACTION_ADVISORY_UNSUPPORTED',
      `DataSource '${dataSource}' cannot take advisory locks: ${problem}. They need PostgreSQL 11 or later itself, not a database that speaks its protocol; use @DistributedLock with a fence there.`,
      { cause, details: { dataSource } },
    );
  }
}

function named(keys: readonly string[]): string {
  return keys.map((key) => `'${key}'`).join(', ');
}
