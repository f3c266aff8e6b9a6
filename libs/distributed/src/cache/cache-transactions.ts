/**
 * Holds evictions and puts back until the active transaction has committed, and remembers what it
 * will evict: inside, those keys are read around the cache (else a transaction would not see its
 * own writes, as in spring-framework#23192).
 */
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { CacheRegion } from './cache-region.js';
import { CacheTransactionPort } from './cache-transaction.port.js';
import type { CacheWhen } from './cached.options.js';

/** What a transaction makes stale: a key, a cache (no key), or whatever carries one of the tags. */
export type Soiled =
  | { readonly cache: string; readonly key: string | undefined }
  | { readonly tags: readonly string[] };

@Injectable()
export class CacheTransactions {
  /** Per transaction, what it has made stale; goes with the transaction object. */
  readonly #dirty = new WeakMap<object, Set<string>>();

  constructor(
    @Optional() @Inject(CacheTransactionPort) private readonly port?: CacheTransactionPort,
  ) {}

  /** Whether the current call runs inside a transaction. */
  get active(): boolean {
    return this.port?.current() !== undefined;
  }

  /**
   * Whether the active transaction has evicted or written `key` of the cache. Which entries carry a
   * tag is not known before they are read: after one tag, every key counts.
   */
  isDirty(region: CacheRegion, key: string): boolean {
    const transaction = this.port?.current();
    const dirty = transaction && this.#dirty.get(transaction);
    if (dirty === undefined) return false;
    return dirty.has(ANY_TAG) || dirty.has(region.name) || dirty.has(mark(region.name, key));
  }

  /**
   * Runs an invalidation after the commit of the active transaction; at once when there is none, or
   * when it is not to wait. Until then the transaction reads what it names around the cache.
   */
  async schedule(soiled: Soiled, when: CacheWhen, invalidate: () => Promise<void>): Promise<void> {
    const transaction = this.port?.current();
    if (!transaction) return invalidate();
    const dirty = this.#dirty.get(transaction) ?? new Set();
    this.#dirty.set(
      transaction,
      dirty.add('tags' in soiled ? ANY_TAG : mark(soiled.cache, soiled.key)),
    );
    if (when === 'after') return invalidate();
    this.port?.afterCommit(invalidate);
  }
}

/** No cache has an empty name. */
const ANY_TAG = '';

/** Cache names hold no colon, so the mark is unambiguous. */
function mark(cache: string, key?: string): string {
  return key === undefined ? cache : `${cache}:${key}`;
}
