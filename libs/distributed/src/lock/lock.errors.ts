/** Errors of the lock capability. Messages may name the key; `details` never do. */
import { DistributedError } from '../distributed.errors.js';

/** Why a lock stopped protecting its holder. */
export type LockLossReason =
  /** The lease ended on the local clock before a renewal was confirmed. */
  | 'expired'
  /** The store no longer has this holder: forced release, flush, eviction or a lossy failover. */
  | 'revoked'
  /** It was held for longer than `maxHold`. */
  | 'max-hold'
  /** The application resigned from the election it had won. */
  | 'resigned'
  /** The application shut down and the grace period for holders was over. */
  | 'shutdown'
  /** The holder released it; whoever still asks is late. */
  | 'released';

/**
 * `E_LOCK_WAIT_TIMEOUT`: somebody else held the lock during the whole wait. Nothing was run.
 */
export class LockWaitTimeoutError extends DistributedError {
  /** The body did not run: repeating the call is safe. */
  readonly executed = 'no';

  constructor(name: string, key: string, waitMs: number) {
    super(
      'E_LOCK_WAIT_TIMEOUT',
      `The lock '${key}' was not free within ${waitMs} ms and nothing was run. ` +
        "Raise `wait`, shorten the work under the lock, or use ifLocked: 'skip' where one run is enough.",
      { retryable: true, details: { name, waitMs } },
    );
  }
}

/** `E_LOCK_HELD`: the lock was taken and `ifLocked` is `'throw'`. Nothing was run. */
export class LockHeldError extends DistributedError {
  /** The body did not run: repeating the call is safe. */
  readonly executed = 'no';

  constructor(name: string, key: string) {
    super('E_LOCK_HELD', `The lock '${key}' is held by somebody else and nothing was run.`, {
      retryable: true,
      details: { name },
    });
  }
}

/** `E_LOCK_NOT_LEADER`: another application leads, or nobody does at present. Nothing was run. */
export class NotLeaderError extends DistributedError {
  /** The body did not run: repeating the call is safe. */
  readonly executed = 'no';

  constructor(name: string) {
    super(
      'E_LOCK_NOT_LEADER',
      `This application does not lead the election '${name}' and nothing was run. ` +
        "Send the call to the leader, or use ifNotLeader: 'skip' where only the leader has to do it.",
      { retryable: true, details: { name } },
    );
  }
}

/**
 * `E_LOCK_UPGRADE`: a call chain that shares a lock asked for it exclusively. Two that did so would
 * wait for each other for ever. Nothing was run.
 */
export class LockUpgradeError extends DistributedError {
  /** The body did not run; it will not the next time either. */
  readonly executed = 'no';

  constructor(name: string, key: string) {
    super(
      'E_LOCK_UPGRADE',
      `The lock '${key}' is shared by this call chain and cannot become exclusive; nothing was run. ` +
        'Take it exclusively from the beginning, or end the shared section first.',
      { details: { name } },
    );
  }
}

/** `E_LOCK_LOST`: the holder lost the lock, so others may have worked at the same time. */
export class LockLostError extends DistributedError {
  /** The body was under way or done: repeating the call would repeat its effects. */
  readonly executed = 'yes';
  /** Why it was lost. */
  readonly reason: LockLossReason;
  /** What the body returned, when it had already finished; otherwise undefined. */
  readonly result: unknown;

  constructor(
    name: string,
    key: string,
    reason: LockLossReason,
    more: { readonly result?: unknown; readonly cause?: unknown } = {},
  ) {
    super(
      'E_LOCK_LOST',
      `The lock '${key}' ${LOSSES[reason]}. Its work is not protected any more: check the state it left, ` +
        'and let the resource refuse fencing tokens smaller than the last one it saw.',
      { details: { name, reason }, ...('cause' in more ? { cause: more.cause } : {}) },
    );
    this.reason = reason;
    this.result = more.result;
  }
}

const LOSSES: Readonly<Record<LockLossReason, string>> = {
  expired: 'expired before its lease could be renewed',
  revoked: 'was taken away in the store',
  'max-hold': 'was held for longer than its `maxHold`',
  resigned: 'was given up because the application resigned from the election',
  shutdown: 'was released because the application shut down',
  released: 'has been released already',
};

/** How many replicas have a lock that `durability` asked them to have. */
export interface LockReplicas {
  readonly confirmed: number;
  readonly required: number;
}

/**
 * `E_LOCK_BACKEND`: the store did not answer, or too few of its replicas did, so nobody can rely on
 * who holds the lock.
 */
export class LockBackendError extends DistributedError {
  /**
   * `'no'`: the failed call had no effect. When a lock could not be acquired it always is: nothing
   * was run. `'unknown'`: an extension or a forced release that may have happened.
   */
  readonly executed: 'no' | 'unknown';
  /** Set when the store answered, and too few of its replicas did. */
  readonly replicas: LockReplicas | undefined;
  readonly #problem: string;

  constructor(
    problem: string,
    more: {
      readonly executed: 'no' | 'unknown';
      readonly cause?: unknown;
      readonly replicas?: LockReplicas | undefined;
    },
  ) {
    const { executed, cause, replicas } = more;
    const advice = replicas
      ? 'Check that its replicas are connected and keep up, or ask fewer of them (`durability`).'
      : 'Check that its server is reachable and not overloaded.';
    super('E_LOCK_BACKEND', `The lock store is not usable: ${problem}. ${advice}`, {
      retryable: true,
      cause,
      details: { executed, ...(replicas && { replicas }) },
    });
    this.executed = executed;
    this.replicas = replicas;
    this.#problem = problem;
  }

  /** The same failure, seen by a caller whose body was not run. */
  get nothingRan(): LockBackendError {
    const { cause, replicas } = this;
    return this.executed === 'no'
      ? this
      : new LockBackendError(this.#problem, { executed: 'no', cause, replicas });
  }
}

/** `E_LOCK_FEATURE`: the store cannot do what was asked for, today or tomorrow. Nothing was run. */
export class LockFeatureError extends DistributedError {
  /** The body did not run; it will not the next time either. */
  readonly executed = 'no';

  /**
   * @param store name of its class
   * @param feature what it does not have, in the plural
   */
  constructor(store: string, feature: string, why: string) {
    super(
      'E_LOCK_FEATURE',
      `${store} has no ${feature}: ${why}. Nothing was run; keep these locks in one Redis, ` +
        'without the option lock.store, or do without.',
      { details: { store, feature } },
    );
  }
}

/** `E_LOCK_SETUP`: the Redis of the locks cannot be used as it is set up; found when it was first connected. */
export class LockSetupError extends DistributedError {
  /** Each says what is wrong, and what to do. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('E_LOCK_SETUP', `The Redis of the locks cannot be used: ${problems.join('. ')}.`);
    this.problems = problems;
  }
}

/** `E_LOCK_CLOSED`: the application is shutting down and takes no new locks. Nothing was run. */
export class LockClosedError extends DistributedError {
  /** The body did not run: repeating the call is safe. */
  readonly executed = 'no';

  constructor() {
    super(
      'E_LOCK_CLOSED',
      'The application is shutting down and takes no new locks; another instance can do this work.',
      { retryable: true },
    );
  }
}

/**
 * `E_LOCK_STALE`: the resource has seen a later holder of the lock, so this one is too late. The
 * refusal comes before any work: let it through, so that nothing of this transaction remains.
 */
export class StaleLockError extends DistributedError {
  /**
   * What stands behind the fence did not run. As a whole call, taken from the lock on, it may be
   * repeated: it then holds a new lock. Repeating only the transaction fails again.
   */
  readonly executed = 'no';

  /** @param seen the token of the later holder, where the resource tells it */
  constructor(key: string, fencingToken: number, seen?: number) {
    super(
      'E_LOCK_STALE',
      `The resource has already served a later holder of the lock '${key}', so this holder was refused and nothing was stored. ` +
        'It was paused or cut off for longer than its lease: repeat the call with a new lock, and raise `lease` if this happens often.',
      { retryable: true, details: { fencingToken, ...(seen === undefined ? {} : { seen }) } },
    );
  }
}

/** `E_LOCK_UNFENCED`: the lock has no fencing token, so no resource can tell late holders. Nothing was run. */
export class UnfencedLockError extends DistributedError {
  /** Nothing was sent to the resource. */
  readonly executed = 'no';

  constructor(key: string) {
    super(
      'E_LOCK_UNFENCED',
      `The lock '${key}' has no fencing token, so the resource cannot be fenced with it and nothing was run. ` +
        "Locks have none that run without their store (onBackendError: 'run') or on several independent Redis servers: do without one of the two.",
    );
  }
}

/** `E_LOCK_FENCE`: the fence could not be advanced because of how it is set up or used. Nothing was run. */
export class FenceUnusableError extends DistributedError {
  /** What stands behind the fence did not run. */
  readonly executed = 'no';

  constructor(problem: string, more: { readonly cause?: unknown } = {}) {
    super('E_LOCK_FENCE', `The fence cannot protect this work: ${problem}`, more);
  }
}
