/**
 * Every order in which get, fill, delete, expire, clear, tags, puts and refreshes of two nodes and
 * one key can meet. After an acknowledged eviction nobody who could know gets an older value, and in
 * the end every node reads the row. Each rule of the protocol is also broken once, on purpose: the
 * exploration must find out.
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Exploration, explore } from '../../../../test/support/cache-explorer.fixture.js';
import type { Scenario, World } from '../../../../test/support/cache-world.fixture.js';
import { SimulatedCacheStore } from '../../../../test/support/simulated-redis.fixture.js';
import { CacheFlights } from './cache-flights.js';
import { CacheMemory } from './cache-memory.js';
import { TagBook } from './tag-book.js';

/** Of the larger scenarios a part: every second schedule in order, the others at random. */
const LIMIT = 300;
/** These are run completely. */
const SMALL = new Set([
  'a load and a delete',
  'a load and a clear',
  'a load and a put',
  'a refresh and an expiry',
  'a refresh ahead and a delete',
  'a tagged stale value, its refresh and a tag',
]);

const a = (world: World) => world.nodes[0];
const b = (world: World) => world.nodes[1];
const get = (on: typeof a) => (world: World) => world.get(on(world));
const twice = (on: typeof a) => async (world: World) => {
  await world.get(on(world));
  await world.get(on(world));
};
const remove = (on: typeof a) => (world: World) =>
  world.change(on(world), ({ service }) => service.delete('c', 'k'));
const untag = (on: typeof a) => (world: World) =>
  world.change(on(world), ({ service }) => service.invalidateTags(['t']));
const clear = (on: typeof a) => (world: World) =>
  world.change(on(world), ({ service }) => service.clear('c'));
const put = (on: typeof a) => (world: World) => world.put(on(world));
/** An expired value may be served: what counts is the end. */
const expire = (on: typeof a) => async (world: World) => {
  world.row++;
  await on(world).cache.service.expire('c', 'k');
};
const warm = async (world: World): Promise<void> => {
  await world.get(a(world));
  await world.get(b(world));
};
const tagged = { load: { tags: ['t'] }, instant: ['generation'] };
const stale = { cache: { staleWhileRevalidate: '1h', refreshAhead: false } } as const;

const scenarios: Record<string, Omit<Scenario, 'name'>> = {
  'a load and a delete': { programs: [get(a), remove(b)] },
  'a load and a delete on the same node': { programs: [twice(a), remove(a)] },
  'two loads and a delete': { programs: [get(a), get(b), remove(b)] },
  'two warm nodes and a delete': { before: warm, programs: [twice(a), twice(b), remove(a)] },
  'two deletes and a load': { programs: [remove(a), remove(b), twice(a)] },
  'a load and a clear': { instant: ['clock'], programs: [twice(a), clear(b)] },
  'two warm nodes and a clear': {
    instant: ['clock'],
    before: warm,
    programs: [get(a), get(b), clear(a)],
  },
  'a tagged load and a tag': { ...tagged, programs: [twice(a), untag(b)] },
  'a tagged load, a tag and another load on one node': {
    ...tagged,
    programs: [
      get(a),
      async (world) => {
        await untag(a)(world);
        await world.get(a(world));
      },
    ],
  },
  'two tagged loads and a tag': { ...tagged, programs: [get(a), get(b), untag(a)] },
  'two warm tagged nodes and a tag': {
    ...tagged,
    before: warm,
    programs: [get(a), twice(b), untag(a)],
  },
  'a load and a put': { programs: [twice(a), put(b)] },
  'two warm nodes, a put and a delete': { before: warm, programs: [get(b), put(a), remove(b)] },
  'a stale value, its refresh and a delete': {
    ...stale,
    before: async (world) => {
      await warm(world);
      await expire(a)(world);
    },
    programs: [get(a), get(b), remove(b)],
  },
  'a stale value and an expiry': { ...stale, before: warm, programs: [get(a), get(b), expire(a)] },
  'a refresh and an expiry': {
    ...stale,
    before: async (world) => {
      await warm(world);
      await expire(a)(world);
    },
    programs: [get(a), expire(b)],
  },
  'a refresh ahead and a delete': {
    cache: { refreshAhead: { at: 0 } },
    before: (world) => world.get(a(world)).then(() => undefined),
    programs: [get(a), remove(b)],
  },
  'a tagged stale value, its refresh and a tag': {
    ...stale,
    ...tagged,
    before: async (world) => {
      await warm(world);
      await expire(a)(world);
    },
    programs: [get(a), untag(b)],
  },
};

const run = (name: string, limit = LIMIT): Promise<Exploration> =>
  explore({ name, ...(scenarios[name] as Omit<Scenario, 'name'>) }, limit);

describe('interleavings', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(Object.keys(scenarios))('%s', async (name) => {
    const { violation, schedules, complete } = await run(name, SMALL.has(name) ? Infinity : LIMIT);
    expect(violation).toBeUndefined();
    expect(complete || schedules === LIMIT).toBe(true);
  });

  describe('find', () => {
    const mutants: Record<string, { readonly found: string; readonly plant: () => void }> = {
      'a fill without a lease': {
        found: 'a load and a delete',
        plant: () =>
          jest.spyOn(SimulatedCacheStore.prototype, 'fill').mockImplementation(async function (
            this: SimulatedCacheStore,
            { cache, key },
            { record, ttlMs },
          ) {
            this.redis.entries.set(`${cache}:${key}`, { bytes: Buffer.from(record), ttlMs });
            return true;
          }),
      },
      'no fences': {
        found: 'two warm nodes and a delete',
        plant: () =>
          jest.spyOn(CacheFlights.prototype, 'fence').mockImplementation(() => undefined),
      },
      'a refresh that an expiry does not end': {
        found: 'a refresh and an expiry',
        plant: () => {
          const { expire: original } = SimulatedCacheStore.prototype;
          jest.spyOn(SimulatedCacheStore.prototype, 'expire').mockImplementation(async function (
            this: SimulatedCacheStore,
            address,
            announcement,
          ) {
            const held = Buffer.from(
              this.redis.entries.get(`${address.cache}:${address.key}`)?.bytes.subarray(26, 48) ??
                [],
            );
            await original.call(this, address, announcement);
            const stored = this.redis.entries.get(`${address.cache}:${address.key}`);
            if (stored) held.copy(stored.bytes, 26);
          });
        },
      },
      'tags stamped after the factory': {
        found: 'a tagged load and a tag',
        plant: () => {
          const { bindTags } = SimulatedCacheStore.prototype;
          jest.spyOn(SimulatedCacheStore.prototype, 'clock').mockResolvedValue(Infinity);
          jest.spyOn(SimulatedCacheStore.prototype, 'bindTags').mockImplementation(function (
            this: SimulatedCacheStore,
            names,
            _clock,
            ttlMs,
          ) {
            return bindTags.call(this, names, this.redis.clock, ttlMs);
          });
        },
      },
      'messages about tags that nobody reads': {
        found: 'two warm tagged nodes and a tag',
        plant: () => jest.spyOn(TagBook.prototype, 'forget').mockImplementation(() => undefined),
      },
      'tagged loads that later callers join': {
        found: 'a tagged load, a tag and another load on one node',
        plant: () =>
          jest.spyOn(CacheFlights.prototype, 'detachAll').mockImplementation(() => undefined),
      },
      'memory that keeps what was evicted meanwhile': {
        found: 'a load and a delete on the same node',
        plant: () => {
          const { remember } = CacheMemory.prototype;
          jest.spyOn(CacheMemory.prototype, 'remember').mockImplementation(function (
            this: CacheMemory,
            region,
            key,
            found,
            { epoch },
          ) {
            const fence = region.flights.watch('another key');
            remember.call(this, region, key, found, { epoch, fence });
          });
        },
      },
      'a put without an intent': {
        found: 'two warm nodes, a put and a delete',
        plant: () =>
          jest.spyOn(SimulatedCacheStore.prototype, 'put').mockImplementation(async function (
            this: SimulatedCacheStore,
            { cache, key },
            { record, ttlMs },
            announcement,
          ) {
            this.redis.entries.set(`${cache}:${key}`, { bytes: Buffer.from(record), ttlMs });
            this.redis.publish(announcement);
            return true;
          }),
      },
    };

    it.each(Object.keys(mutants))('%s', async (name) => {
      const { found, plant } = mutants[name] as (typeof mutants)[string];
      plant();
      expect((await run(found, 4_000)).violation).toMatch(/got/);
    });
  });
});
