/** The part of a lease that can be relied on, measured on the local monotonic clock. */
import type { Clock, Timer } from '../time/index.js';

/** Clocks of two machines run at slightly different rates: Redlock's allowance of 1 % + 2 ms. */
const DRIFT_RATIO = 0.01;
const DRIFT_MS = 2;

/**
 * Counts from the instant before the command was sent, because the server may have started the
 * lease right then. Calls `onExpire` once, at the deadline, whatever the network does.
 */
export class Lease {
  #deadline: number;
  #timer: Timer | undefined;

  /** @param sentAt `clock.now()` before the granting command was sent */
  constructor(
    private readonly clock: Clock,
    sentAt: number,
    leaseMs: number,
    private readonly onExpire: () => void,
  ) {
    this.#deadline = deadlineOf(sentAt, leaseMs);
    this.#arm();
  }

  /** Milliseconds left; 0 when it is over. */
  get remaining(): number {
    return Math.max(0, this.#deadline - this.clock.now());
  }

  /** Takes over a confirmed renewal; never shortens. */
  extend(sentAt: number, leaseMs: number): void {
    this.#deadline = Math.max(this.#deadline, deadlineOf(sentAt, leaseMs));
  }

  /** Stops the timer. Idempotent. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    // A renewal only moves the deadline; the running timer finds out when it fires. Timers may
    // also fire early (rounding) or be cut to the longest delay there is: both end up here again.
    this.#timer = this.clock.setTimer(() => {
      if (this.remaining > 0) this.#arm();
      else this.onExpire();
    }, Math.ceil(this.remaining));
  }
}

/** When a lease granted by a command sent at `sentAt` must be considered over. */
export function deadlineOf(sentAt: number, leaseMs: number): number {
  return sentAt + leaseMs - (leaseMs * DRIFT_RATIO + DRIFT_MS);
}
