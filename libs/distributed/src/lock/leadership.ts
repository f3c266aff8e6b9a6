/** One term of office: the lock of an election, shared by all that its leader does. */
import { setMaxListeners } from 'node:events';
import type { Clock, Duration } from '../time/index.js';
import type { HeldLock } from './held-lock.js';
import { Lock, type ReleaseOutcome } from './lock.js';
import { LockLostError, type LockLossReason } from './lock.errors.js';
import { LockScope } from './lock-scope.js';
import { happensWithin } from './timed-wait.js';

/**
 * Ends when the lock is lost, or when the leader steps down: then its signal aborts first, and the
 * lock is given back when the work that had begun is done.
 */
export class Leadership extends Lock {
  override readonly name: string;
  readonly key: string;
  readonly fencingToken: number;
  /** Resolves with the reason when the term is over. */
  readonly over: Promise<LockLossReason>;
  readonly #abort = new AbortController();
  #end!: (reason: LockLossReason) => void;
  #stepsDown = false;
  #occupied = 0;
  #onVacant: (() => void) | undefined;

  /** @param resign gives up the leadership, for those who release it like a lock */
  constructor(
    private readonly lock: HeldLock,
    private readonly resign: () => Promise<void>,
  ) {
    super();
    this.name = lock.name;
    this.key = lock.key;
    this.fencingToken = lock.fencingToken;
    this.over = new Promise((resolve) => (this.#end = resolve));
    // All that runs in the leader listens to this one signal, for as long as it leads.
    setMaxListeners(0, this.#abort.signal);
    const { signal } = lock;
    if (signal.aborted) this.#lost();
    else signal.addEventListener('abort', () => this.#lost(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get remaining(): number {
    return this.lock.remaining;
  }

  get held(): boolean {
    return this.lock.held;
  }

  get loss(): LockLostError | undefined {
    return this.lock.loss;
  }

  /** Whether new work may begin: judged by the clock, and for ever if it says no. */
  get leads(): boolean {
    return !this.#stepsDown && !this.loss && this.held;
  }

  assertHeld(): void {
    this.lock.assertHeld();
  }

  async extend(lease?: Duration): Promise<void> {
    await this.lock.extend(lease);
  }

  /** Resigns. Inside a section it does not wait for the end of that section: `'pending'`. */
  async release(): Promise<ReleaseOutcome> {
    const resigned = this.resign();
    if (LockScope.locks().includes(this)) return 'pending';
    await resigned;
    return this.loss ? 'already-lost' : 'released';
  }

  /** Work begins that the leadership must outlast. */
  enter(): void {
    this.#occupied++;
  }

  /** It has ended. */
  leave(): ReleaseOutcome {
    if (--this.#occupied === 0) this.#onVacant?.();
    return this.loss ? 'already-lost' : 'released';
  }

  /** Takes the leadership away at once; the store keeps it until the lease ends. */
  depose(reason: LockLossReason): void {
    this.lock.lose(reason);
  }

  /** Ends the term in good order; takes it away from work that is not done in time. */
  async stepDown(reason: LockLossReason, graceMs: number, clock: Clock): Promise<void> {
    if (!this.#stepsDown) {
      this.#stepsDown = true;
      this.#abort.abort(new LockLostError(this.name, this.key, reason));
      const vacant = new Promise<void>((resolve) => (this.#onVacant = resolve));
      if (this.#occupied > 0 && !(await happensWithin(vacant, graceMs, clock))) this.depose(reason);
      await this.lock.release();
      this.#end(reason);
    }
    await this.over;
  }

  #lost(): void {
    this.#abort.abort(this.lock.signal.reason);
    // Nobody is to wait for what a late renewal may have prolonged in the store.
    void this.lock.release();
    this.#end(this.lock.loss?.reason ?? 'expired');
  }
}
