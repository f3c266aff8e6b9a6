/**
 * Answers a request from memory, from Redis or by the factory. A missing value is loaded once per
 * process (a flight that callers share) and once per cluster (a lease in Redis that the others wait
 * for). Redis never fails a call: without it the factory answers and nothing is stored.
 */
import { Injectable } from '@nestjs/common';
import type { BypassReason } from './cache.events.js';
import { CacheMemory, type Recalled } from './cache-memory.js';
import { type CacheRegion, isolated } from './cache-region.js';
import { CacheRefresher } from './cache-refresher.js';
import { CacheTransactions } from './cache-transactions.js';
import { CacheFlight } from './cache-flight.js';
import { FactoryRunner } from './factory-runner.js';
import { type FoundValue, type Outcome, settle } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import type { LoadRequest } from './load-request.js';
import type { MemoryEntry } from './memory-entry.js';
import type { PrimitiveKey } from './primitive-key.js';

@Injectable()
export class CacheLoader {
  constructor(
    private readonly memory: CacheMemory,
    private readonly runner: FactoryRunner,
    private readonly flight: CacheFlight,
    private readonly refresher: CacheRefresher,
    private readonly transactions: CacheTransactions,
    private readonly bus: InvalidationBus,
  ) {}

  /** The value of a request. Rejects with the factory's own error, and only with that. */
  async getOrSet(request: LoadRequest): Promise<unknown> {
    const { region, key } = request;
    if (this.transactions.isDirty(region, key)) return this.bypass(request, 'transaction');
    const recalled = this.memory.recall(region, key);
    if (isServable(recalled)) return isolated(region, settle(this.#serve(request, recalled)));
    if (this.transactions.active) return this.#loadInTransaction(request);
    if (request.policy.tags || request.policy.resultTags) region.tagged = true;
    if (region.definition.singleFlight === false) return this.#flyAlone(request, recalled);
    const flight =
      region.flights.join(key) ??
      region.flights.start(key, (fence) =>
        this.flight.fly(request, recalled, { fence, epoch: this.bus.epoch }),
      );
    return isolated(region, await flight);
  }

  /**
   * A hit in memory that needs no thought, at once. Nothing inside a transaction, which may have made
   * it stale for itself.
   */
  hit(region: CacheRegion, key: string): MemoryEntry | undefined {
    if (!region.direct || this.transactions.active) return undefined;
    return counted(region, this.memory.hit(region, key));
  }

  /** As `hit`, for a key that stands for one primitive: the shortest way. */
  hitPrimitive(region: CacheRegion, key: PrimitiveKey): MemoryEntry | undefined {
    if (!region.direct || this.transactions.active) return undefined;
    return counted(region, this.memory.hitPrimitive(region, key));
  }

  /** What is cached, without loading anything; also while it is served stale. */
  async get(region: CacheRegion, key: string): Promise<Outcome | undefined> {
    return (await this.find(region, key))?.outcome;
  }

  /** The same with all that is known of the value. */
  async find(region: CacheRegion, key: string): Promise<FoundValue | undefined> {
    if (this.transactions.isDirty(region, key) || region.poison.has(key)) return undefined;
    const recalled = this.memory.recall(region, key);
    if (isServable(recalled)) {
      region.counters.hit('l1');
      return recalled.entry.found;
    }
    if (region.definition.levels === 'l1') return undefined;
    const { since, end } = this.memory.watch(region, key);
    try {
      const reading = await this.flight.look(region, key, recalled);
      if (reading?.state !== 'value' || !this.flight.servable(reading.found)) return undefined;
      this.memory.remember(region, key, reading.found, since);
      region.counters.hit('l2');
      return reading.found;
    } finally {
      end();
    }
  }

  /** Loads and stores a new value, whatever is cached. */
  async refresh(request: LoadRequest): Promise<unknown> {
    return this.transactions.active
      ? this.bypass(request, 'transaction')
      : isolated(request.region, await this.refresher.force(request));
  }

  /** Runs the factory and stores nothing; the value has the same form as a cached one. */
  async bypass(request: LoadRequest, reason: BypassReason): Promise<unknown> {
    request.region.counters.bypass(reason);
    return isolated(request.region, (await this.runner.load(request)).value);
  }

  /** Every caller for itself. */
  async #flyAlone(request: LoadRequest, recalled: Recalled | undefined): Promise<unknown> {
    const { since, end } = this.memory.watch(request.region, request.key);
    try {
      return isolated(request.region, await this.flight.fly(request, recalled, since));
    } finally {
      end();
    }
  }

  #serve(request: LoadRequest, { entry, state }: Recalled): Outcome {
    request.region.counters.hit('l1');
    // Inside a transaction the factory would run in it, and perhaps after its end.
    if (state === 'due' && !this.transactions.active) this.refresher.start(request, entry.found);
    return entry.outcome;
  }

  /**
   * A hit is as good inside a transaction as outside. A load is not: it may see uncommitted rows, or
   * a snapshot older than somebody's eviction, and joining a flight could wait for a connection that
   * this very transaction keeps from it. So it is neither shared nor stored.
   */
  async #loadInTransaction(request: LoadRequest): Promise<unknown> {
    const { region, key } = request;
    const found = await this.get(region, key);
    if (found) return isolated(region, settle(found));
    const { value } = await this.runner.load(request);
    region.counters.fill('skipped');
    return isolated(region, value);
  }
}

function counted(region: CacheRegion, entry: MemoryEntry | undefined): MemoryEntry | undefined {
  if (entry) region.counters.hit('l1');
  return entry;
}

/** Whether memory may answer by itself. */
export function isServable(recalled: Recalled | undefined): recalled is Recalled {
  return recalled?.state === 'fresh' || recalled?.state === 'due';
}
