/**
 * Several keys of one cache at once: one question to Redis for those that memory does not have, one
 * load for those that nobody has. Each key keeps its own lease, fence, tags and lifetime.
 */
import { Injectable } from '@nestjs/common';
import { Random } from '../time/index.js';
import { CacheBatchError } from './cache.errors.js';
import { CacheFlight } from './cache-flight.js';
import { CacheLeases, type TakenLease } from './cache-leases.js';
import { CacheLoader, isServable } from './cache-loader.js';
import { CacheMemory, type Since } from './cache-memory.js';
import { CacheReader, type Reading } from './cache-reader.js';
import { type CacheRegion, isolated } from './cache-region.js';
import { CacheTransactions } from './cache-transactions.js';
import { FactoryRunner } from './factory-runner.js';
import { CacheFiller } from './cache-filler.js';
import type { Outcome } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import type { LoadPolicy, LoadRequest } from './load-request.js';

/** Loads values in the order of the indexes it is given. */
export type BatchFactory = (missing: readonly number[]) => Promise<readonly unknown[]>;

/** What is wanted. */
export interface BatchRequest {
  readonly region: CacheRegion;
  readonly keys: readonly string[];
  readonly factory: BatchFactory;
  readonly policy: LoadPolicy;
}

/** One key of a batch on its way. */
interface Member {
  readonly request: LoadRequest;
  readonly index: number;
  readonly since: Since;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A member that may load its value. */
interface Leased {
  readonly member: Member;
  readonly lease: TakenLease;
  readonly reading: Reading;
}

@Injectable()
export class CacheBatch {
  constructor(
    private readonly loader: CacheLoader,
    private readonly memory: CacheMemory,
    private readonly reader: CacheReader,
    private readonly leases: CacheLeases,
    private readonly flight: CacheFlight,
    private readonly filler: CacheFiller,
    private readonly runner: FactoryRunner,
    private readonly transactions: CacheTransactions,
    private readonly bus: InvalidationBus,
    private readonly random: Random,
  ) {}

  /** What is cached, in the order of the keys; undefined for a miss. */
  async get(region: CacheRegion, keys: readonly string[]): Promise<(Outcome | undefined)[]> {
    const answers = new Map<string, Outcome | undefined>();
    const ask = new Set<string>();
    for (const key of keys) {
      const recalled = this.#usable(region, key) ? this.memory.recall(region, key) : undefined;
      answers.set(key, isServable(recalled) ? recalled.entry.outcome : undefined);
      if (isServable(recalled)) region.counters.hit('l1');
      else if (region.definition.levels !== 'l1' && this.#usable(region, key)) ask.add(key);
    }
    await this.#ask(region, [...ask], answers);
    return keys.map((key) => answers.get(key));
  }

  /** Cached or loaded values in the order of the keys. Rejects with the first failure. */
  async getOrSet(batch: BatchRequest): Promise<unknown[]> {
    const { region, keys } = batch;
    if (batch.policy.tags || batch.policy.resultTags) region.tagged = true;
    const answers = new Map<string, Promise<unknown>>();
    const members: Member[] = [];
    const alone: number[] = [];
    for (const [index, key] of keys.entries()) {
      if (answers.has(key) || alone.some((other) => keys[other] === key)) continue;
      const recalled = this.#usable(region, key) ? this.memory.recall(region, key) : undefined;
      const running = region.flights.join(key);
      if (recalled && isServable(recalled)) answers.set(key, this.#hit(batch, index));
      else if (this.#isAlone(region, key)) alone.push(index);
      else if (running) answers.set(key, running);
      else answers.set(key, this.#board(batch, index, members));
    }
    if (alone.length > 0) this.#loadAlone(batch, alone, answers);
    if (members.length > 0) void this.#fly(batch, members);
    // All of them, also after a failure: what is called next must not meet a lease of this batch.
    const outcomes = await Promise.allSettled(
      keys.map((key) => answers.get(key) as Promise<unknown>),
    );
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return isolated(region, outcome.value);
    });
  }

  /** What a transaction changes, or waits for its confirmation, is loaded and not kept. */
  #isAlone(region: CacheRegion, key: string): boolean {
    return this.transactions.active || !this.#usable(region, key);
  }

  #usable(region: CacheRegion, key: string): boolean {
    return !this.transactions.isDirty(region, key) && !region.poison.has(key);
  }

  /** A hit in memory goes its usual way, so that it is counted and refreshed like any other. */
  #hit(batch: BatchRequest, index: number): Promise<unknown> {
    return this.loader.getOrSet(requestOf(batch, index, () => shared(batch, [index])(index)));
  }

  /** Starts the flight of one key, which others may join; the batch lands it. */
  #board(batch: BatchRequest, index: number, members: Member[]): Promise<unknown> {
    const { region, keys } = batch;
    return region.flights.start(
      keys[index] as string,
      (fence) =>
        new Promise((resolve, reject) => {
          const request = requestOf(batch, index, () => shared(batch, [index])(index));
          const since = { fence, epoch: this.bus.epoch };
          members.push({ request, index, since, resolve, reject });
        }),
    );
  }

  async #ask(
    region: CacheRegion,
    keys: readonly string[],
    answers: Map<string, Outcome | undefined>,
  ): Promise<void> {
    const watches = keys.map((key) => this.memory.watch(region, key));
    const readings = await this.#read(region, keys);
    for (const [index, key] of keys.entries()) {
      const reading = readings?.[index];
      if (reading?.state !== 'value' || !this.flight.servable(reading.found)) continue;
      this.memory.remember(region, key, reading.found, (watches[index] as { since: Since }).since);
      region.counters.hit('l2');
      answers.set(key, reading.found.outcome);
    }
    for (const { end } of watches) end();
  }

  /** Undefined when Redis does not answer. */
  async #read(region: CacheRegion, keys: readonly string[]): Promise<Reading[] | undefined> {
    if (keys.length === 0) return [];
    return this.reader.readMany(region, keys).catch(() => undefined);
  }

  #loadAlone(batch: BatchRequest, indexes: number[], answers: Map<string, Promise<unknown>>): void {
    const loadOf = shared(batch, indexes);
    for (const index of indexes) {
      const request = requestOf(batch, index, () => loadOf(index));
      const reason = this.transactions.active ? 'transaction' : 'poisoned';
      answers.set(request.key, this.loader.bypass(request, reason));
    }
  }

  /** Lands every member, whatever happens. */
  async #fly(batch: BatchRequest, members: readonly Member[]): Promise<void> {
    try {
      if (batch.region.definition.levels === 'l1') return this.#fillMemory(batch, members);
      const readings = await this.#read(
        batch.region,
        members.map(({ request: { key } }) => key),
      );
      if (!readings) return this.#withoutRedis(batch, members);
      await this.#resolve(batch, members, readings);
    } catch (error) {
      for (const { reject } of members) reject(error);
    }
  }

  async #resolve(
    batch: BatchRequest,
    members: readonly Member[],
    readings: readonly Reading[],
  ): Promise<void> {
    const { region } = batch;
    const leased: Leased[] = [];
    await Promise.all(
      members.map(async (member, position) => {
        const reading = readings[position] as Reading;
        const servable = reading.state === 'value' && this.flight.servable(reading.found);
        const { key } = member.request;
        const lease =
          servable || (await this.leases.acquire(region, key, reading, this.random.token()));
        if (typeof lease === 'object') leased.push({ member, lease, reading });
        else land(member, this.flight.resolve(member.request, reading, member.since));
      }),
    );
    const loadOf = shared(
      batch,
      leased.map(({ member }) => member.index),
    );
    for (const { member, lease, reading } of leased) {
      const request = { ...member.request, factory: () => loadOf(member.index) };
      land(member, this.flight.fill(request, lease, reading));
    }
  }

  #fillMemory(batch: BatchRequest, members: readonly Member[]): void {
    const loadOf = shared(
      batch,
      members.map(({ index }) => index),
    );
    for (const member of members) {
      const request = { ...member.request, factory: () => loadOf(member.index) };
      land(member, this.filler.fillMemory(request));
    }
  }

  #withoutRedis(batch: BatchRequest, members: readonly Member[]): void {
    const loadOf = shared(
      batch,
      members.map(({ index }) => index),
    );
    for (const member of members) {
      batch.region.counters.bypass('backend');
      const request = { ...member.request, factory: () => loadOf(member.index) };
      land(
        member,
        this.runner.load(request).then(({ value }) => value),
      );
    }
  }
}

function requestOf(
  { region, keys, policy }: BatchRequest,
  index: number,
  load: () => Promise<unknown>,
): LoadRequest {
  return { region, key: keys[index] as string, policy, factory: load };
}

function land({ resolve, reject }: Member, outcome: Promise<unknown>): void {
  void outcome.then(resolve, reject);
}

/** One run of the factory for all; each index gets its own value. */
function shared(
  { region, factory }: BatchRequest,
  indexes: readonly number[],
): (index: number) => Promise<unknown> {
  let run: Promise<readonly unknown[]> | undefined;
  return async (index) => {
    run ??= checked(region.name, factory(indexes), indexes.length);
    return (await run)[indexes.indexOf(index)];
  };
}

async function checked(
  name: string,
  loading: Promise<readonly unknown[]>,
  count: number,
): Promise<readonly unknown[]> {
  const values: unknown = await loading;
  if (!Array.isArray(values) || values.length !== count)
    throw new CacheBatchError(name, count, Array.isArray(values) ? values.length : undefined);
  return values;
}
