/** One wish for one lock: the random token it is acquired with, and what may be left behind. */
import type { Clock, Random } from '../time/index.js';
import { deadlineOf } from './lease.js';
import { LockBackendError } from './lock.errors.js';
import type { AcquireReply, LockStore } from './lock.store.js';
import type { ReleaseChase } from './release-chase.js';
import { unlessAborted } from './timed-wait.js';

/** A lock that was just granted. */
export interface Grant {
  readonly key: string;
  readonly owner: string;
  readonly fencingToken: number;
  readonly leaseMs: number;
  /** `clock.now()` before the granting command was sent. */
  readonly sentAt: number;
}

/** What the locks of one application share. */
export interface LockBackend {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly chase: ReleaseChase;
  /** Milliseconds after which a command without reply is given up. */
  readonly commandTimeoutMs: number;
}

/**
 * Attempts share one token, so an attempt that was executed although its reply was lost is found
 * by the next one: same acquisition, same fencing token.
 */
export class LockTicket {
  readonly #owner: string;
  #maybeGranted = false;

  constructor(
    private readonly backend: LockBackend,
    private readonly key: string,
    private readonly leaseMs: number,
  ) {
    this.#owner = backend.random.token();
  }

  /**
   * Asks once. Returns the remaining lease of the present holder when the lock is taken.
   * @throws LockBackendError `E_LOCK_BACKEND`; the reason of `signal`
   */
  async attempt(signal: AbortSignal): Promise<Grant | { readonly busyForMs: number }> {
    const { clock } = this.backend;
    const sentAt = clock.now();
    const reply = await this.#ask(signal);
    if (!reply.acquired) return { busyForMs: reply.remainingMs };
    const { key, leaseMs } = this;
    if (clock.now() >= deadlineOf(sentAt, leaseMs)) {
      this.#maybeGranted = true;
      throw new LockBackendError('the reply took longer than the lease', { executed: 'unknown' });
    }
    return { key, owner: this.#owner, fencingToken: reply.fencingToken, leaseMs, sentAt };
  }

  /** Gives up. What an unanswered attempt may have left in the store is deleted in the background. */
  abandon(): void {
    if (!this.#maybeGranted) return;
    const { key, leaseMs } = this;
    this.backend.chase.start({ key, owner: this.#owner, forMs: leaseMs, absentIsFinal: false });
  }

  async #ask(signal: AbortSignal): Promise<AcquireReply> {
    const { store, commandTimeoutMs } = this.backend;
    const deadlineMs = Math.min(commandTimeoutMs, this.leaseMs);
    try {
      const reply = store.acquire(this.key, this.#owner, this.leaseMs, { deadlineMs });
      return await unlessAborted(reply, signal);
    } catch (error) {
      const notExecuted = error instanceof LockBackendError && error.executed === 'no';
      if (!notExecuted) this.#maybeGranted = true;
      throw error;
    }
  }
}

/** Tells the two answers of `attempt` apart. */
export function isGrant(answer: Grant | { readonly busyForMs: number }): answer is Grant {
  return 'owner' in answer;
}
