/**
 * Answers a request from memory, from Redis or by the factory. A missing value is loaded once per
 * process (a flight that callers share) and once per cluster (a lease in Redis that the others wait
 * for). Redis never fails a call: without it the factory answers and nothing is stored.
 */
import { Inject, Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { decodeValue, encodeValue } from './cache-codec.js';
import type { BypassReason } from './cache.events.js';
import type { Fence } from './cache-flights.js';
import { CacheLeases } from './cache-leases.js';
import { type Found, CacheReader, type Reading } from './cache-reader.js';
import type { FillLease } from './cache-record.js';
import type { CacheRegion } from './cache-region.js';
import { CacheTransactions } from './cache-transactions.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { InvalidationBus } from './invalidation-bus.js';
import type { PrimitiveKey } from './primitive-key.js';

/** One wanted value. */
export interface LoadRequest {
  readonly region: CacheRegion;
  readonly key: string;
  readonly factory: () => unknown;
  readonly ttl: number;
  readonly negativeTtl: number;
  readonly unless: ((value: unknown) => unknown) | undefined;
}

/** A loaded value in its stored and in its decoded, frozen form. */
interface Loaded {
  readonly text: string;
  readonly value: unknown;
}

/** When a load began, as far as invalidations are concerned. */
interface Since {
  readonly fence: Fence;
  readonly epoch: number;
}

/** A waiter asks again after so many milliseconds, then ever more seldom, always with jitter. */
const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 100;

@Injectable()
export class CacheLoader {
  constructor(
    private readonly reader: CacheReader,
    private readonly leases: CacheLeases,
    private readonly bus: InvalidationBus,
    private readonly transactions: CacheTransactions,
    private readonly clock: Clock,
    private readonly random: Random,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /** The value of a request, frozen. Rejects with the factory's own error, and only with that. */
  async getOrSet(request: LoadRequest): Promise<unknown> {
    const { region, key } = request;
    if (this.transactions.isDirty(region, key)) return this.bypass(request, 'transaction');
    const found = this.reader.recall(region, key);
    if (found) {
      region.counters.hit('l1');
      return found.value;
    }
    if (this.transactions.active) return this.#loadInTransaction(request);
    return (
      region.flights.join(key) ??
      region.flights.start(key, (fence) => this.#fly(request, { fence, epoch: this.bus.epoch }))
    );
  }

  /** What memory holds, at once. Nothing inside a transaction, which may have made it stale for itself. */
  recall(region: CacheRegion, key: string): Found | undefined {
    return this.transactions.active ? undefined : counted(region, this.reader.recall(region, key));
  }

  /** As `recall`, for a key that stands for one primitive: the shortest way to a hit. */
  recallPrimitive(region: CacheRegion, key: PrimitiveKey): Found | undefined {
    return this.transactions.active
      ? undefined
      : counted(region, this.reader.recallPrimitive(region, key));
  }

  /** What is cached, without loading anything. */
  async get(region: CacheRegion, key: string): Promise<Found | undefined> {
    if (this.transactions.isDirty(region, key) || region.poison.has(key)) return undefined;
    const found = this.reader.recall(region, key);
    if (found) {
      region.counters.hit('l1');
      return found;
    }
    if (region.definition.levels === 'l1') return undefined;
    const fence = region.flights.watch(key);
    const since = { fence, epoch: this.bus.epoch };
    try {
      const reading = await this.#tryRead(region, key);
      return reading?.state === 'value' ? this.#hit(region, key, reading, since) : undefined;
    } finally {
      region.flights.release(key, fence);
    }
  }

  /** Runs the factory and stores nothing; the value has the same form as a cached one. */
  async bypass(request: LoadRequest, reason: BypassReason): Promise<unknown> {
    request.region.counters.bypass(reason);
    return (await this.#load(request)).value;
  }

  async #fly(request: LoadRequest, since: Since): Promise<unknown> {
    const { region, key } = request;
    if (region.poison.has(key)) return this.bypass(request, 'poisoned');
    if (region.definition.levels === 'l1') return this.#fillMemory(request, since);
    const reading = await this.#tryRead(region, key);
    if (!reading) return this.bypass(request, 'backend');
    return this.#settle(request, reading, since);
  }

  /** Ends with a value: found, awaited from another process, or loaded here. */
  async #settle(request: LoadRequest, first: Reading, since: Since): Promise<unknown> {
    const { region, key } = request;
    const startedAt = this.clock.now();
    const token = this.random.token();
    let delayMs = FIRST_POLL_MS;
    for (let reading: Reading | undefined = first; reading;) {
      if (reading.state === 'value') return this.#hit(region, key, reading, since).value;
      const attempt = await this.leases.acquire({ cache: region.name, key }, reading, token);
      if (attempt === 'failed') break;
      if (attempt !== 'busy') return this.#fill(request, attempt, since);
      const leftMs = startedAt + this.options.lease.wait - this.clock.now();
      if (leftMs <= 0) return this.#loadUnleased(request, startedAt);
      if (reading.state === 'leased') {
        await this.clock.sleep(Math.min(leftMs, delayMs * (0.5 + this.random.next())));
        delayMs = Math.min(delayMs * 1.5, LONGEST_POLL_MS);
      }
      reading = await this.#tryRead(region, key);
      if (reading?.state === 'value') region.counters.wait(this.clock.now() - startedAt);
    }
    return this.bypass(request, 'backend');
  }

  /** Loads under a lease; the store keeps the value only if the lease still stands then. */
  async #fill(request: LoadRequest, lease: FillLease, since: Since): Promise<unknown> {
    const { region, key } = request;
    const address = { cache: region.name, key };
    const stopExtending = this.leases.extend(address, lease);
    try {
      const { text, value } = await this.#load(request);
      const ttlMs = this.#ttlOf(request, value);
      if (ttlMs === 0) {
        this.leases.abandon(address, lease);
        region.counters.fill('skipped');
        return value;
      }
      const sentAt = this.clock.now();
      const outcome = await this.leases.fill(address, { lease, text, ttlMs });
      region.counters.fill(outcome);
      if (outcome === 'stored')
        this.reader.remember(
          region,
          key,
          { value, encodedLength: text.length, expiresAt: sentAt + ttlMs },
          since,
        );
      return value;
    } catch (error) {
      this.leases.abandon(address, lease);
      throw error;
    } finally {
      stopExtending();
    }
  }

  async #fillMemory(request: LoadRequest, since: Since): Promise<unknown> {
    const { region, key } = request;
    const { text, value } = await this.#load(request);
    const ttlMs = this.#ttlOf(request, value);
    if (ttlMs === 0) region.counters.fill('skipped');
    else {
      const expiresAt = this.clock.now() + ttlMs;
      this.reader.remember(region, key, { value, encodedLength: text.length, expiresAt }, since);
      region.counters.fill(since.fence.broken ? 'rejected' : 'stored');
    }
    return value;
  }

  /** Others had the lease for the whole wait: answers, but has no right to write. */
  async #loadUnleased(request: LoadRequest, startedAt: number): Promise<unknown> {
    request.region.counters.wait(this.clock.now() - startedAt);
    const { value } = await this.#load(request);
    request.region.counters.fill('unleased');
    return value;
  }

  /**
   * A hit is as good inside a transaction as outside. A load is not: it may see uncommitted rows, or
   * a snapshot older than somebody's eviction, and joining a flight could wait for a connection that
   * this very transaction keeps from it. So it is neither shared nor stored.
   */
  async #loadInTransaction(request: LoadRequest): Promise<unknown> {
    const { region, key } = request;
    const found = await this.get(region, key);
    if (found) return found.value;
    const { value } = await this.#load(request);
    region.counters.fill('skipped');
    return value;
  }

  #hit(
    region: CacheRegion,
    key: string,
    reading: Reading & { readonly state: 'value' },
    since: Since,
  ): Found {
    region.counters.hit('l2');
    this.reader.remember(region, key, reading, since);
    return { value: reading.value };
  }

  async #tryRead(region: CacheRegion, key: string): Promise<Reading | undefined> {
    try {
      return await this.reader.read(region, key);
    } catch {
      return undefined;
    }
  }

  async #load(request: LoadRequest): Promise<Loaded> {
    const { counters, name } = request.region;
    const startedAt = this.clock.now();
    let ok = false;
    try {
      const result = await request.factory();
      ok = true;
      const text = encodeValue(result, name);
      return { text, value: decodeValue(text) };
    } finally {
      counters.load(ok, this.clock.now() - startedAt);
    }
  }

  /** 0: not to be stored. */
  #ttlOf(request: LoadRequest, value: unknown): number {
    if (request.unless?.(value)) return 0;
    return value === undefined || value === null ? request.negativeTtl : request.ttl;
  }
}

function counted(region: CacheRegion, found: Found | undefined): Found | undefined {
  if (found) region.counters.hit('l1');
  return found;
}
