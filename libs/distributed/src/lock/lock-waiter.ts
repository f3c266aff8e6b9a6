/** One call that waits for a lock: how long, and who may call it off. */
import type { Clock, Timer } from '../time/index.js';
import type { HeldLock } from './held-lock.js';
import { lockEvents } from './lock.events.js';
import type { LockRequest } from './lock-request.js';

/** Settles once: with a lock, or with the reason why there is none. */
export class LockWaiter {
  readonly #until: number;
  #timer: Timer | undefined;
  #waits = false;

  /** @param onLeave called when it waits no longer, whatever the reason */
  constructor(
    private readonly clock: Clock,
    readonly request: LockRequest,
    private readonly settle: {
      readonly resolve: (lock: HeldLock) => void;
      readonly reject: (reason: unknown) => void;
    },
    private readonly onLeave: (waiter: LockWaiter) => void,
  ) {
    this.#until = clock.now() + request.waitMs;
    request.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether its time is over. */
  get overdue(): boolean {
    return this.clock.now() >= this.#until;
  }

  /** Somebody else is in front: calls `onOverdue` when its time is over. Idempotent. */
  watchTime(onOverdue: (waiter: LockWaiter) => void): void {
    if (!this.#waits) this.#report(true);
    this.#timer ??= this.clock.setTimer(
      () => {
        this.#timer = undefined;
        if (this.overdue) onOverdue(this);
        // Timers may fire early, by rounding.
        else this.watchTime(onOverdue);
      },
      Math.ceil(this.#until - this.clock.now()),
      { keepAlive: true },
    );
  }

  /** It got what it waited for. */
  grant(lock: HeldLock): void {
    this.#leave();
    this.settle.resolve(lock);
  }

  /** It waits no longer. */
  fail(reason: unknown): void {
    this.#leave();
    this.settle.reject(reason);
  }

  readonly #onAbort = (): void => this.fail(this.request.signal?.reason);

  #leave(): void {
    if (this.#waits) this.#report(false);
    this.#timer?.cancel();
    this.request.signal?.removeEventListener('abort', this.#onAbort);
    this.onLeave(this);
  }

  #report(waiting: boolean): void {
    const { name, key } = this.request;
    this.#waits = waiting;
    lockEvents.emit('waiting', () => ({ name, key, waiting }));
  }
}
