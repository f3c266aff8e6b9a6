/** What a holder holds: the contract of a lock, whoever grants it. */
import type { Duration } from '../time/index.js';
import type { LockLostError } from './lock.errors.js';

/**
 * How a release ended. `already-lost`: the lock had been lost before. `pending`: the store did not
 * answer; the release goes on in the background until the lease is over.
 */
export type ReleaseOutcome = 'released' | 'already-lost' | 'pending';

/** One acquisition of one key. Every acquisition makes a new `Lock`. */
export abstract class Lock implements AsyncDisposable {
  /** Label for metrics and messages. */
  readonly name: string = 'unnamed';
  /** The encoded key; of a `MultiLock` all of them, for messages. */
  abstract readonly key: string;
  /**
   * Grows with every acquisition of the key; give it to the resource, which refuses smaller ones.
   * Those that share a lock share a token: larger than that of the writer before, smaller than that of
   * the next. 0 for permits of a semaphore, whose holders no order tells apart, and for several keys at once,
   * whose `members` have one each.
   */
  abstract readonly fencingToken: number;
  /** Aborts with a `LockLostError` when the lock is lost, at the latest when its lease ends. */
  abstract readonly signal: AbortSignal;
  /** Milliseconds the lock is certain to last without another renewal; 0 when it is not held. */
  abstract readonly remaining: number;
  /** Whether the lock is held at this instant, judged by the local clock. */
  abstract readonly held: boolean;
  /** Why and that it was lost; undefined while it is held and after a normal release. */
  abstract readonly loss: LockLostError | undefined;

  /** The locks it is made of, in the order of their keys: itself, unless it has several keys. */
  get members(): readonly Lock[] {
    return [this];
  }

  /**
   * Compares clocks at this instant, so it is right even straight after a blocked event loop.
   * @throws LockLostError `E_LOCK_LOST`
   */
  abstract assertHeld(): void;

  /**
   * Makes the lock last at least `lease` from now; never shortens it.
   * @param lease default: the lease it was acquired with
   * @throws LockLostError `E_LOCK_LOST`
   * @throws LockBackendError `E_LOCK_BACKEND` when the store did not confirm; the lock is still held
   */
  abstract extend(lease?: Duration): Promise<void>;

  /** Gives the lock back. Idempotent; never rejects. */
  abstract release(): Promise<ReleaseOutcome>;

  /** `await using lock = await locks.acquire('key')`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
