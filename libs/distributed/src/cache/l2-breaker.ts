/** Stops asking a Redis that does not answer, so that callers do not wait for each deadline in turn. */
import { Inject, Injectable } from '@nestjs/common';
import { isDistributedError } from '../distributed.errors.js';
import { Clock } from '../time/index.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { CacheBackendError } from './cache.errors.js';

/** `half-open`: one call tries whether Redis answers again. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** The window is counted in so many parts; the oldest one is forgotten as time goes on. */
const BUCKETS = 10;

interface Bucket {
  readonly number: number;
  calls: number;
  failures: number;
}

/**
 * Counts calls whose failure says that Redis is out of reach. It decides about reads and leases
 * alone: an eviction is always tried, because nobody else will do it.
 */
@Injectable()
export class L2Breaker {
  readonly #settings: Exclude<ResolvedCacheOptions['l2']['breaker'], false> | undefined;
  #buckets: Bucket[] = [];
  #openUntil: number | undefined;
  #probing = false;

  constructor(
    private readonly clock: Clock,
    @Inject(CACHE_OPTIONS) { l2: { breaker } }: ResolvedCacheOptions,
  ) {
    this.#settings = breaker === false ? undefined : breaker;
  }

  get state(): BreakerState {
    if (this.#openUntil === undefined) return 'closed';
    return this.clock.now() < this.#openUntil ? 'open' : 'half-open';
  }

  /**
   * Runs a call to Redis, or refuses it.
   * @throws CacheBackendError `E_CACHE_BACKEND` when it is refused
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const { state } = this;
    if (state === 'open' || (state === 'half-open' && this.#probing)) throw new CacheBackendError();
    if (state === 'half-open') this.#probing = true;
    try {
      return await this.observe(call);
    } finally {
      if (state === 'half-open') this.#probing = false;
    }
  }

  /** Runs a call in any case, and learns from it. */
  async observe<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await call();
      this.#settle(false);
      return result;
    } catch (error) {
      // An error of the command itself is an answer.
      this.#settle(
        isDistributedError(error, 'E_REDIS_DEADLINE') ||
          isDistributedError(error, 'E_REDIS_UNAVAILABLE'),
      );
      throw error;
    }
  }

  #settle(failed: boolean): void {
    if (!this.#settings) return;
    const { failureRate, minimumCalls, window, openFor } = this.#settings;
    const now = this.clock.now();
    if (this.#openUntil !== undefined) {
      // Calls that began before it opened say nothing new; an answer says that Redis is back.
      if (failed && now < this.#openUntil) return;
      this.#buckets = [];
      this.#openUntil = failed ? now + openFor : undefined;
      return;
    }
    const bucket = this.#bucketAt(now, window);
    bucket.calls++;
    if (failed) bucket.failures++;
    const calls = this.#buckets.reduce((sum, part) => sum + part.calls, 0);
    const failures = this.#buckets.reduce((sum, part) => sum + part.failures, 0);
    if (failed && calls >= minimumCalls && failures >= calls * failureRate)
      this.#openUntil = now + openFor;
  }

  #bucketAt(now: number, windowMs: number): Bucket {
    const number = Math.floor((now * BUCKETS) / windowMs);
    const last = this.#buckets.at(-1);
    if (last?.number === number) return last;
    const bucket = { number, calls: 0, failures: 0 };
    this.#buckets = [...this.#buckets.filter((part) => part.number > number - BUCKETS), bucket];
    return bucket;
  }
}
