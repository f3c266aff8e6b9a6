/** Counts what one cache does in this process, and tells it to the diagnostics channels. */
import {
  type BypassReason,
  type CacheLevel,
  type FillOutcome,
  cacheEvents,
} from './cache.events.js';

/** Totals since the start of the process. */
export interface CacheCounts {
  readonly l1Hits: number;
  readonly l2Hits: number;
  /** Calls answered with a stale value, because a load failed or took too long. */
  readonly staleHits: number;
  /** Calls that went around the cache. */
  readonly bypasses: number;
  /** Runs of the factory. */
  readonly loads: number;
  readonly loadErrors: number;
  /** Loaded values that Redis (or, for `'l1'` caches, memory) accepted. */
  readonly stored: number;
  /** Loaded values that were not stored because the key was invalidated meanwhile. */
  readonly rejected: number;
  /** Confirmed evictions and puts. */
  readonly invalidations: number;
  /** Evictions and puts that Redis did not confirm. */
  readonly invalidationFailures: number;
}

export class CacheCounters {
  readonly #cache: string;
  readonly #counts: { -readonly [K in keyof CacheCounts]: number } = {
    l1Hits: 0,
    l2Hits: 0,
    staleHits: 0,
    bypasses: 0,
    loads: 0,
    loadErrors: 0,
    stored: 0,
    rejected: 0,
    invalidations: 0,
    invalidationFailures: 0,
  };

  constructor(cache: string) {
    this.#cache = cache;
  }

  snapshot(): CacheCounts {
    return { ...this.#counts };
  }

  hit(level: CacheLevel): void {
    if (level === 'l1') this.#counts.l1Hits++;
    else this.#counts.l2Hits++;
    // Asked first: even the function that makes the payload is too dear for a hit nobody watches.
    if (cacheEvents.hasSubscribers('hit')) this.#tellHit(level);
  }

  #tellHit(level: CacheLevel): void {
    cacheEvents.emit('hit', () => ({ cache: this.#cache, level }));
  }

  stale(): void {
    this.#counts.staleHits++;
    cacheEvents.emit('stale', () => ({ cache: this.#cache }));
  }

  bypass(reason: BypassReason): void {
    this.#counts.bypasses++;
    cacheEvents.emit('bypass', () => ({ cache: this.#cache, reason }));
  }

  load(ok: boolean, durationMs: number): void {
    this.#counts.loads++;
    if (!ok) this.#counts.loadErrors++;
    cacheEvents.emit('load', () => ({ cache: this.#cache, ok, durationMs }));
  }

  fill(outcome: FillOutcome): void {
    if (outcome === 'stored' || outcome === 'rejected') this.#counts[outcome]++;
    cacheEvents.emit('fill', () => ({ cache: this.#cache, outcome }));
  }

  wait(durationMs: number): void {
    cacheEvents.emit('wait', () => ({ cache: this.#cache, durationMs }));
  }

  invalidation(all: boolean, confirmed: boolean): void {
    this.#counts[confirmed ? 'invalidations' : 'invalidationFailures']++;
    cacheEvents.emit('invalidate', () => ({ cache: this.#cache, all, confirmed }));
  }
}
