/** The one time limit of a transaction: everything it waits for is measured against it. */
import type { Clock } from '../time/index.js';

export class Deadline {
  readonly #clock: Clock;
  readonly #at: number;

  /** @param ms from now, in milliseconds */
  constructor(
    clock: Clock,
    readonly ms: number,
  ) {
    this.#clock = clock;
    this.#at = clock.now() + ms;
  }

  /** Milliseconds left; zero or less when the time is over. */
  get remainingMs(): number {
    return this.#at - this.#clock.now();
  }

  /** Milliseconds since the deadline was set. */
  get elapsedMs(): number {
    return this.ms - this.remainingMs;
  }

  /**
   * Settles like `work`, or rejects with `late()` once `graceMs` have passed after the deadline.
   * `work` itself goes on; its late failure is not an unhandled rejection.
   */
  race<T>(work: Promise<T>, late: () => Error, graceMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(
        () => reject(late()),
        Math.max(0, this.remainingMs + graceMs),
      );
      work.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error as Error);
        },
      );
    });
  }
}
