/** Options and results of `CacheService`. */
import type { Duration } from '../time/index.js';
import type { CacheCounts } from './cache-counters.js';
import type { CacheTimeoutOptions } from './cache-definition.options.js';
import type { InvalidateFailure } from './cache.options.js';
import type { CacheWhen } from './cached.options.js';

/** Options of one `getOrSet`. */
export interface GetOrSetOptions<T = unknown> {
  /** Lifetime of this value. Default: the cache's. */
  readonly ttl?: Duration;
  /** Lifetime of this value if it is `null` or `undefined`; 0 does not store it. Default: the cache's. */
  readonly negativeTtl?: Duration;
  /** Default: the cache's. */
  readonly staleWhileRevalidate?: Duration;
  /** Default: the cache's. */
  readonly staleIfError?: Duration;
  /** Default: the cache's. */
  readonly timeout?: CacheTimeoutOptions;
  /**
   * False: the factory must not run after this call has been answered, so a stale value is not
   * refreshed by this call, and nothing ahead of its time. Default true.
   */
  readonly background?: boolean;
  /** Tags of the entry, also from the loaded value. Tags span caches. */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]);
  /** True does not store this value. */
  readonly unless?: (value: T) => boolean;
  /** For how long an error of the factory is cached for everybody; 0 does not. Default: never. */
  readonly cacheErrors?: (error: unknown) => Duration;
}

/** Options of `delete`, `expire` and `invalidateTags`. */
export interface DeleteOptions {
  /** Default `'afterCommit'`. */
  readonly when?: CacheWhen;
  /** Default: the module's. */
  readonly onInvalidateFailure?: InvalidateFailure;
}

/** Options of `clear` and `invalidateTags`. */
export interface ClearOptions extends DeleteOptions {
  /** `delete`: values are gone. `expire`: they are stale. Default `'delete'`. */
  readonly mode?: 'delete' | 'expire';
}

/** Options of `set`. */
export interface SetOptions extends DeleteOptions {
  /** Lifetime of this value. Default: the cache's. */
  readonly ttl?: Duration;
  /** Tags of the entry. */
  readonly tags?: readonly string[];
}

/** A cached value; in an object, because `undefined` can be one. */
export interface CacheHit<T> {
  readonly value: T;
}

/** What one cache did in this process. */
export interface CacheStats extends CacheCounts {
  /** Entries in memory now. */
  readonly l1Entries: number;
  /** Their estimated bytes. */
  readonly l1Bytes: number;
  /** Entries that left memory for lack of room. */
  readonly l1Evictions: number;
  /** Loads in progress. */
  readonly flights: number;
  /** Evictions that wait for a confirmation. */
  readonly poisoned: number;
}

/** Whether the capability works as it should. */
export interface CacheHealth {
  /** `down`: messages of other nodes may be missed; see `l1OnBusDown`. */
  readonly bus: 'up' | 'down';
  /** `open`: Redis does not answer and is not asked; methods run instead. */
  readonly l2: 'closed' | 'open' | 'half-open';
  /** Evictions that Redis has not confirmed; they are repeated until it does. */
  readonly pendingInvalidations: number;
}
