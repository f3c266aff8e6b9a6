/**
 * Puts and evictions as callers see them: held back until the commit, and a put that cannot be
 * written (no intent, not to be stored) evicts instead, because the old value is wrong either way.
 */
import { Injectable } from '@nestjs/common';
import { encodeValue } from './cache-codec.js';
import { CacheInvalidator } from './cache-invalidator.js';
import type { FillLease } from './cache-record.js';
import type { CacheRegion } from './cache-region.js';
import { CacheTransactions } from './cache-transactions.js';
import type { InvalidateFailure } from './cache.options.js';
import type { StoredValue } from './cache.store.js';
import type { CacheWhen } from './cached.options.js';

/** What to invalidate, when, and what a failure does. */
export interface Invalidation {
  readonly region: CacheRegion;
  /** Undefined: the whole cache. */
  readonly key: string | undefined;
  readonly when: CacheWhen;
  readonly onFailure: InvalidateFailure | undefined;
}

/** An announced put: made before the change, used after it. */
export interface PreparedPut extends Invalidation {
  readonly key: string;
  readonly intent: FillLease | undefined;
}

@Injectable()
export class CacheWriter {
  constructor(
    private readonly invalidator: CacheInvalidator,
    private readonly transactions: CacheTransactions,
  ) {}

  /** @throws CacheInvalidationError `E_CACHE_INVALIDATION` */
  async evict(target: Invalidation): Promise<void> {
    const { region, key, when, onFailure } = target;
    await this.transactions.schedule(region, key, when, () =>
      this.invalidator.evict(region, key, onFailure),
    );
  }

  /** To be called before the change whose result is put. */
  async prepare(target: Invalidation & { readonly key: string }): Promise<PreparedPut> {
    return { ...target, intent: await this.invalidator.intend(target.region, target.key) };
  }

  /**
   * Writes `value`; a lifetime of 0 evicts.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   * @throws CacheValueError `E_CACHE_VALUE` when it cannot be stored; the key is evicted then
   */
  async put(put: PreparedPut, value: unknown, ttlMs: number): Promise<void> {
    const { region, key, when, onFailure } = put;
    const stored = await this.#storedForm(put, value, ttlMs);
    if (!stored) return this.evict(put);
    await this.transactions.schedule(region, key, when, () =>
      this.invalidator.put(region, key, stored, onFailure),
    );
  }

  /** Encoded now: after the commit the object may have changed. */
  async #storedForm(
    put: PreparedPut,
    value: unknown,
    ttlMs: number,
  ): Promise<StoredValue | undefined> {
    if (!put.intent || ttlMs === 0) return undefined;
    try {
      return { lease: put.intent, text: encodeValue(value, put.region.name), ttlMs };
    } catch (error) {
      await this.evict(put);
      throw error;
    }
  }
}
