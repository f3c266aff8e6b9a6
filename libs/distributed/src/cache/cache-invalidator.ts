/**
 * Evicts and writes entries. Memory here is cleared before and after Redis, loads on their way are
 * fenced, the other nodes are told in the same step. What Redis does not confirm is poisoned in this
 * process and repeated until it is confirmed.
 */
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock, Random, type Timer } from '../time/index.js';
import { decodeValue } from './cache-codec.js';
import { Fence } from './cache-flights.js';
import { CacheInvalidationError } from './cache.errors.js';
import {
  CACHE_OPTIONS,
  type InvalidateFailure,
  type ResolvedCacheOptions,
} from './cache.options.js';
import { CacheReader } from './cache-reader.js';
import type { FillLease } from './cache-record.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheStore, type StoredValue } from './cache.store.js';
import { InvalidationBus } from './invalidation-bus.js';

/** A put whose method takes longer evicts instead of writing. */
const INTENT_TTL_MS = 60_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

@Injectable()
export class CacheInvalidator implements OnModuleDestroy {
  readonly #poisoned = new Set<CacheRegion>();
  #retry: Timer | undefined;
  #delayMs = FIRST_RETRY_MS;
  #stopped = false;

  constructor(
    private readonly store: CacheStore,
    private readonly bus: InvalidationBus,
    private readonly reader: CacheReader,
    private readonly clock: Clock,
    private readonly random: Random,
    registry: CacheRegistry,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {
    bus.onInvalidation((cache, key) => registry.find(cache)?.forget(key));
  }

  /** Evictions that Redis has not confirmed yet. */
  get pending(): number {
    return [...this.#poisoned].reduce((sum, region) => sum + region.poison.size, 0);
  }

  /**
   * Evicts one key, or the whole cache.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION` when it is not confirmed, unless
   * `onFailure` is `'retry'`
   */
  async evict(
    region: CacheRegion,
    key: string | undefined,
    onFailure?: InvalidateFailure,
  ): Promise<void> {
    await this.#confirmOr(onFailure, region, key, () => this.#send(region, key));
  }

  /**
   * Notes that the caller is about to change what `key` is made of, before it does. Undefined when
   * that is impossible: its value cannot be written then, only evicted.
   */
  async intend(region: CacheRegion, key: string): Promise<FillLease | undefined> {
    if (region.definition.levels === 'l1') return { stamp: '', token: '' };
    try {
      const token = this.random.token();
      const [stamp] = await Promise.all([
        this.reader.stamp(region),
        this.store.intend({ cache: region.name, key }, token, INTENT_TTL_MS),
      ]);
      return { stamp, token };
    } catch {
      return undefined;
    }
  }

  /**
   * Writes a value if its intent is still the last one, otherwise evicts the key.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`, see `evict`
   */
  async put(
    region: CacheRegion,
    key: string,
    value: StoredValue,
    onFailure?: InvalidateFailure,
  ): Promise<void> {
    if (region.definition.levels === 'l1') return this.#putInMemory(region, key, value, onFailure);
    await this.#confirmOr(onFailure, region, key, async () => {
      const announcement = this.bus.announcement(region.name, key);
      await this.store.put({ cache: region.name, key }, value, announcement);
    });
  }

  /** The others forget their value, this process keeps the new one. */
  async #putInMemory(
    region: CacheRegion,
    key: string,
    { text, ttlMs }: StoredValue,
    onFailure?: InvalidateFailure,
  ): Promise<void> {
    const { epoch } = this.bus;
    await this.evict(region, key, onFailure);
    const entry = {
      value: decodeValue(text),
      encodedLength: text.length,
      expiresAt: this.clock.now() + ttlMs,
    };
    this.reader.remember(region, key, entry, { fence: new Fence(), epoch });
  }

  onModuleDestroy(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  async #confirmOr(
    onFailure: InvalidateFailure | undefined,
    region: CacheRegion,
    key: string | undefined,
    send: () => Promise<void>,
  ): Promise<void> {
    try {
      await this.#confirm(region, key, send);
    } catch (error) {
      this.#scheduleRetry();
      if ((onFailure ?? this.options.onInvalidateFailure) === 'throw')
        throw new CacheInvalidationError([region.name], error);
    }
  }

  /** Runs one invalidation; poisons what it failed to confirm. */
  async #confirm(
    region: CacheRegion,
    key: string | undefined,
    send: () => Promise<void>,
  ): Promise<void> {
    const ticket = region.poison.ticket();
    let confirmed = false;
    region.forget(key);
    try {
      await send();
      confirmed = true;
      region.poison.heal(key, ticket);
    } catch (error) {
      region.poison.add(key, ticket);
      this.#poisoned.add(region);
      throw error;
    } finally {
      // Again: a load that began meanwhile may have read what was about to go.
      region.forget(key);
      region.counters.invalidation(key === undefined, confirmed);
    }
  }

  #send(region: CacheRegion, key: string | undefined): Promise<void> {
    const announcement = this.bus.announcement(region.name, key);
    if (key === undefined) return this.store.clear(region.name, announcement);
    if (region.definition.levels === 'l1') return this.store.announce(announcement);
    return this.store.remove({ cache: region.name, key }, announcement);
  }

  #scheduleRetry(): void {
    if (this.#stopped || this.#retry) return;
    this.#retry = this.clock.setTimer(
      () => void this.#retryAll(),
      this.#delayMs * (0.5 + this.random.next() / 2),
    );
  }

  /** Repeats what is not confirmed, one after the other; stops at the first failure. */
  async #retryAll(): Promise<void> {
    try {
      for (const region of this.#poisoned) {
        for (const key of region.poison.pending)
          await this.#confirm(region, key, () => this.#send(region, key));
        if (region.poison.size === 0) this.#poisoned.delete(region);
      }
      this.#delayMs = FIRST_RETRY_MS;
    } catch {
      this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_RETRY_MS);
    }
    this.#retry = undefined;
    if (this.#poisoned.size > 0) this.#scheduleRetry();
  }
}
