/** What a body gets that runs although the store is down (`onBackendError: 'run'`): no protection. */
import { Lock, type ReleaseOutcome } from './lock.js';
import type { LockBackendError } from './lock.errors.js';

/** Looks like a lock, and says at every question that it is none. */
export class UnprotectedLock extends Lock {
  /** 0: a resource that checks fencing tokens refuses it. */
  readonly fencingToken = 0;
  readonly remaining = 0;
  readonly held = false;
  readonly loss = undefined;
  readonly #abort = new AbortController();

  constructor(
    readonly key: string,
    private readonly problem: LockBackendError,
    override readonly name = 'unnamed',
  ) {
    super();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  assertHeld(): void {
    throw this.problem;
  }

  async extend(): Promise<void> {
    throw this.problem;
  }

  async release(): Promise<ReleaseOutcome> {
    return 'released';
  }
}
