/**
 * Evicts and writes entries. Memory here is cleared before and after Redis, loads on their way are
 * fenced, the other nodes are told in the same step. What Redis does not confirm is poisoned in this
 * process and repeated until it is confirmed.
 */
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock, Random, type Timer } from '../time/index.js';
import { CacheInvalidationError } from './cache.errors.js';
import {
  CACHE_OPTIONS,
  type InvalidateFailure,
  type ResolvedCacheOptions,
} from './cache.options.js';
import { CacheReader } from './cache-reader.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheStore, type InvalidationMode, type StoredValue } from './cache.store.js';
import type { FillLease } from './entry-format.js';
import { InvalidationBus } from './invalidation-bus.js';
import { type InvalidationSubject, regionSubject, tagSubject } from './invalidation-subject.js';
import { TagBook } from './tag-book.js';

/** A put whose method takes longer evicts instead of writing. */
const INTENT_TTL_MS = 60_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;

/** The right to write one value, and the tags' clock when it was given. */
export interface PutIntent {
  readonly lease: FillLease;
  readonly clock: number;
}

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
    private readonly tags: TagBook,
    private readonly clock: Clock,
    private readonly random: Random,
    registry: CacheRegistry,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {
    // Which tags a load will have is known when it ends: nobody who comes now may join one.
    tags.onForget(() => {
      for (const { tagged, flights } of registry.regions) if (tagged) flights.detachAll();
    });
    bus.onInvalidation((cache, key, mode) =>
      registry.find(cache)?.forget(key, mode, this.clock.now()),
    );
  }

  /** Evictions that Redis has not confirmed yet. */
  get pending(): number {
    return [...this.#poisoned].reduce(
      (sum, region) => sum + region.poison.size,
      this.tags.poison.size,
    );
  }

  /**
   * Evicts (`hard`) or expires (`soft`) one key, or the whole cache.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION` when it is not confirmed, unless
   * `onFailure` is `'retry'`
   */
  async evict(
    region: CacheRegion,
    key: string | undefined,
    mode: InvalidationMode,
    onFailure?: InvalidateFailure,
  ): Promise<void> {
    const subject = regionSubject(region, key, mode, this.clock);
    await this.#confirmOr(onFailure, subject, () => this.#send(region, key, mode));
  }

  /**
   * Evicts or expires every entry that carries the tag.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`, see `evict`
   */
  async evictTag(
    name: string,
    mode: InvalidationMode,
    onFailure?: InvalidateFailure,
  ): Promise<void> {
    await this.#confirmOr(onFailure, tagSubject(this.tags, name), () => this.#sendTag(name, mode));
  }

  /**
   * Notes that the caller is about to change what `key` is made of, before it does. Undefined when
   * that is impossible: its value cannot be written then, only evicted.
   */
  async intend(region: CacheRegion, key: string): Promise<PutIntent | undefined> {
    const token = this.random.token();
    const schema = region.definition.version;
    if (region.definition.levels === 'l1')
      return { lease: { token, schema, generation: { hard: 0, soft: 0 } }, clock: 0 };
    try {
      const [generation, clock] = await Promise.all([
        this.reader.generation(region),
        this.store.clock(),
        this.store.intend({ cache: region.name, key }, token, INTENT_TTL_MS),
      ]);
      return { lease: { token, schema, generation }, clock };
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
    const subject = regionSubject(region, key, 'hard', this.clock);
    await this.#confirmOr(onFailure, subject, async () => {
      const announcement = this.bus.announcement(region.name, key);
      await this.store.put({ cache: region.name, key }, value, announcement);
    });
  }

  onModuleDestroy(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  async #confirmOr(
    onFailure: InvalidateFailure | undefined,
    subject: InvalidationSubject,
    send: () => Promise<void>,
  ): Promise<void> {
    try {
      await this.#confirm(subject, send);
    } catch (error) {
      this.#scheduleRetry();
      if ((onFailure ?? this.options.onInvalidateFailure) === 'throw')
        throw new CacheInvalidationError(subject.names, error);
    }
  }

  /** Runs one invalidation; poisons what it failed to confirm. */
  async #confirm(subject: InvalidationSubject, send: () => Promise<void>): Promise<void> {
    const { poison, key } = subject;
    const ticket = poison.ticket();
    let confirmed = false;
    subject.forget();
    try {
      await send();
      confirmed = true;
      poison.heal(key, ticket);
    } catch (error) {
      poison.add(key, ticket);
      if (subject.region) this.#poisoned.add(subject.region);
      throw error;
    } finally {
      // Again: a load that began meanwhile may have read what was about to go.
      subject.forget();
      subject.settled(confirmed);
    }
  }

  #send(region: CacheRegion, key: string | undefined, mode: InvalidationMode): Promise<void> {
    const announcement = this.bus.announcement(region.name, key, mode);
    if (region.definition.levels === 'l1') return this.store.announce(announcement);
    if (key === undefined) return this.store.clear(region.name, mode, announcement);
    const address = { cache: region.name, key };
    return mode === 'soft'
      ? this.store.expire(address, announcement)
      : this.store.remove(address, announcement);
  }

  #sendTag(name: string, mode: InvalidationMode): Promise<void> {
    return this.store.invalidateTag(name, mode, this.bus.tagAnnouncement(name));
  }

  #scheduleRetry(): void {
    if (this.#stopped || this.#retry) return;
    this.#retry = this.clock.setTimer(
      () => void this.#retryAll(),
      this.#delayMs * (0.5 + this.random.next() / 2),
    );
  }

  /**
   * Repeats what is not confirmed, one after the other; stops at the first failure. By now nobody
   * knows what happened to an entry that was to be expired, so it is evicted.
   */
  async #retryAll(): Promise<void> {
    try {
      for (const region of this.#poisoned) {
        for (const key of region.poison.pending)
          await this.#confirm(regionSubject(region, key, 'hard', this.clock), () =>
            this.#send(region, key, 'hard'),
          );
        if (region.poison.size === 0) this.#poisoned.delete(region);
      }
      for (const name of this.tags.poison.pending)
        if (name !== undefined)
          await this.#confirm(tagSubject(this.tags, name), () => this.#sendTag(name, 'hard'));
      this.#delayMs = FIRST_RETRY_MS;
    } catch {
      this.#delayMs = Math.min(this.#delayMs * 2, LONGEST_RETRY_MS);
    }
    this.#retry = undefined;
    if (this.pending > 0) this.#scheduleRetry();
  }
}
