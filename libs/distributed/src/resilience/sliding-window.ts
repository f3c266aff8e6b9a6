/** Counters over the last seconds, in buckets: constant memory, constant cost per call. */
import type { Clock } from '../time/index.js';

/** How finely a window forgets: ten buckets, as Hystrix and Finagle do. */
const BUCKETS = 10;

/** What is counted; one row of counters per bucket. */
export class SlidingWindow<C extends string> {
  readonly #clock: Clock;
  readonly #bucketMs: number;
  readonly #buckets: Record<C, number>[];
  readonly #totals: Record<C, number>;
  readonly #counters: readonly C[];
  #current: number;

  /** @param windowMs how far back the totals reach; they forget a tenth of it at a time */
  constructor(clock: Clock, windowMs: number, counters: readonly C[]) {
    this.#clock = clock;
    this.#bucketMs = windowMs / BUCKETS;
    this.#counters = counters;
    this.#buckets = Array.from({ length: BUCKETS }, () => this.#zeros());
    this.#totals = this.#zeros();
    this.#current = this.#bucketNow();
  }

  /** Counts one. */
  add(counter: C): void {
    this.#forget();
    const bucket = this.#buckets[this.#current % BUCKETS];
    if (bucket) bucket[counter]++;
    this.#totals[counter]++;
  }

  /** How often `counter` was counted within the window. */
  total(counter: C): number {
    this.#forget();
    return this.#totals[counter];
  }

  /** Forgets everything. */
  clear(): void {
    for (const bucket of this.#buckets) Object.assign(bucket, this.#zeros());
    Object.assign(this.#totals, this.#zeros());
  }

  /** Empties the buckets that fell out of the window since the last call: at most all of them. */
  #forget(): void {
    const now = this.#bucketNow();
    const passed = Math.min(now - this.#current, BUCKETS);
    for (let step = 1; step <= passed; step++) {
      const bucket = this.#buckets[(this.#current + step) % BUCKETS];
      if (!bucket) continue;
      for (const counter of this.#counters) {
        this.#totals[counter] -= bucket[counter];
        bucket[counter] = 0;
      }
    }
    this.#current = now;
  }

  #bucketNow(): number {
    return Math.floor(this.#clock.now() / this.#bucketMs);
  }

  #zeros(): Record<C, number> {
    return Object.fromEntries(this.#counters.map((counter) => [counter, 0])) as Record<C, number>;
  }
}
