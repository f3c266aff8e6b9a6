/**
 * Puts and evictions as callers see them: held back until the commit, and a put that cannot be
 * written (no intent, not to be stored) evicts instead, because the old value is wrong either way.
 */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { decodeValue, type EncodedValue, encodeValue } from './cache-codec.js';
import { CacheFiller } from './cache-filler.js';
import { CacheInvalidator, type PutIntent } from './cache-invalidator.js';
import { tagName } from './cache-key.js';
import { CacheMemory } from './cache-memory.js';
import type { CacheRegion } from './cache-region.js';
import { CacheTransactions } from './cache-transactions.js';
import type { InvalidateFailure } from './cache.options.js';
import type { InvalidationMode } from './cache.store.js';
import type { CacheWhen } from './cached.options.js';
import { EntryBuilder } from './entry-builder.js';

/** When an invalidation happens, how thorough it is, and what a failure does. */
export interface InvalidationTerms {
  readonly mode: InvalidationMode;
  readonly when: CacheWhen;
  readonly onFailure: InvalidateFailure | undefined;
}

/** What to invalidate. */
export interface Invalidation extends InvalidationTerms {
  readonly region: CacheRegion;
  /** Undefined: the whole cache. */
  readonly key: string | undefined;
}

/** An announced put: made before the change, used after it. */
export interface PreparedPut extends Invalidation {
  readonly key: string;
  readonly intent: PutIntent | undefined;
}

/** A value to put; a lifetime of 0 evicts. */
export interface PutValue {
  readonly value: unknown;
  readonly ttlMs: number;
  readonly tags?: readonly string[] | undefined;
}

@Injectable()
export class CacheWriter {
  constructor(
    private readonly invalidator: CacheInvalidator,
    private readonly transactions: CacheTransactions,
    private readonly builder: EntryBuilder,
    private readonly filler: CacheFiller,
    private readonly memory: CacheMemory,
    private readonly clock: Clock,
  ) {}

  /** @throws CacheInvalidationError `E_CACHE_INVALIDATION` */
  async evict({ region, key, mode, when, onFailure }: Invalidation): Promise<void> {
    await this.transactions.schedule({ cache: region.name, key }, when, () =>
      this.invalidator.evict(region, key, mode, onFailure),
    );
  }

  /** @throws CacheInvalidationError `E_CACHE_INVALIDATION` */
  async evictTags(
    tags: readonly string[],
    { mode, when, onFailure }: InvalidationTerms,
  ): Promise<void> {
    const names = [...new Set(tags.map((tag) => tagName(tag, 'an eviction')))];
    await this.transactions.schedule({ tags: names }, when, async () => {
      const evictions = names.map((name) => this.invalidator.evictTag(name, mode, onFailure));
      const failed = (await Promise.allSettled(evictions)).find(
        (outcome) => outcome.status === 'rejected',
      );
      if (failed) throw failed.reason;
    });
  }

  /** To be called before the change whose result is put. */
  async prepare(target: Invalidation & { readonly key: string }): Promise<PreparedPut> {
    return { ...target, intent: await this.invalidator.intend(target.region, target.key) };
  }

  /**
   * Writes a value.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   * @throws CacheValueError `E_CACHE_VALUE` when it cannot be stored; the key is evicted then
   */
  async put(put: PreparedPut, given: PutValue): Promise<void> {
    const { region, key, when } = put;
    const { intent } = put;
    if (!intent || given.ttlMs === 0) return this.evict(put);
    // Encoded now: after the commit the object may have changed.
    const encoded = await this.#encode(put, given.value);
    await this.transactions.schedule({ cache: region.name, key }, when, () =>
      this.#write(put, intent, given, encoded),
    );
  }

  async #encode(put: PreparedPut, value: unknown): Promise<EncodedValue> {
    try {
      return encodeValue(value, put.region.name, put.region.definition.codec);
    } catch (error) {
      await this.evict(put);
      throw error;
    }
  }

  async #write(
    { region, key, onFailure }: PreparedPut,
    intent: PutIntent,
    { value, ttlMs, tags = [] }: PutValue,
    encoded: EncodedValue,
  ): Promise<void> {
    const names = tags.map((tag) => tagName(tag, region.name));
    if (region.definition.levels === 'l1')
      return this.#writeMemory(region, key, onFailure, { encoded, ttlMs, names });
    const span = this.builder.span(region, region.definition, value, ttlMs);
    const bound = await this.builder.bind(names, intent.clock, span.ttlMs);
    if (typeof bound === 'string') return this.invalidator.evict(region, key, 'hard', onFailure);
    const { lease } = intent;
    const parts = { lease, span, tags: bound, encoded, loadMs: 0 };
    const record = await this.builder.value(region, key, parts);
    const stored = { token: lease.token, record, ttlMs: span.ttlMs };
    await this.invalidator.put(region, key, stored, onFailure);
  }

  /** The others forget their value, this process keeps the new one. */
  async #writeMemory(
    region: CacheRegion,
    key: string,
    onFailure: InvalidateFailure | undefined,
    { encoded, ttlMs, names }: { encoded: EncodedValue; ttlMs: number; names: readonly string[] },
  ): Promise<void> {
    await this.invalidator.evict(region, key, 'hard', onFailure);
    const value = decodeValue(encoded, region.definition.l1.isolation);
    const { since, end } = this.memory.watch(region, key);
    const request = { region, key, factory: () => value, policy: region.definition };
    const loaded = { encoded, value, ttlMs, tags: names, loadMs: 0 };
    this.filler.keepInMemory(request, since, loaded, false);
    end();
  }
}
