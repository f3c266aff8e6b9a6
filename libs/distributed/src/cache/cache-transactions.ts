/**
 * Holds evictions and puts back until the active transaction has committed, and remembers what it
 * will evict: inside, those keys are read around the cache (else a transaction would not see its
 * own writes, as in spring-framework#23192).
 */
import { Inject, Injectable, Optional } from '@nestjs/common';
import type { CacheRegion } from './cache-region.js';
import { CacheTransactionPort } from './cache-transaction.port.js';
import type { CacheWhen } from './cached.options.js';

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

  /** Whether the active transaction has evicted or written `key` of the cache. */
  isDirty(region: CacheRegion, key: string): boolean {
    const transaction = this.port?.current();
    const dirty = transaction && this.#dirty.get(transaction);
    return dirty !== undefined && (dirty.has(mark(region, key)) || dirty.has(mark(region)));
  }

  /**
   * Runs an invalidation after the commit of the active transaction; at once when there is none, or
   * when it is not to wait. Until then the transaction reads what it names around the cache.
   */
  async schedule(
    region: CacheRegion,
    key: string | undefined,
    when: CacheWhen,
    invalidate: () => Promise<void>,
  ): Promise<void> {
    const transaction = this.port?.current();
    if (!transaction) return invalidate();
    const dirty = this.#dirty.get(transaction) ?? new Set();
    this.#dirty.set(transaction, dirty.add(mark(region, key)));
    if (when === 'after') return invalidate();
    this.port?.afterCommit(invalidate);
  }
}

/** Cache names hold no colon, so the mark is unambiguous. */
function mark(region: CacheRegion, key?: string): string {
  return key === undefined ? region.name : `${region.name}:${key}`;
}
