/** What may be served after its time, and what never is. Judged by what callers get. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheCluster, type GatedNode } from '../../../../test/support/cache-cluster.fixture.js';
import type { CacheOptions } from './cache.options.js';
import { currentCacheLoad } from './cache-load.js';

describe('stale values', () => {
  let cluster: CacheCluster;

  beforeAll(async () => {
    cluster = await CacheCluster.start();
  });
  afterAll(() => cluster.stop());
  afterEach(() => cluster.reset());

  const pair = (cache: CacheOptions): Promise<[GatedNode, GatedNode]> =>
    Promise.all([cluster.node(cache), cluster.node(cache)]);

  /** Turns of the event loop until it is so; the test's own time limit bounds it. */
  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const loads = (on: GatedNode): number => on.service.stats()['c']?.loads ?? 0;

  describe('staleWhileRevalidate', () => {
    const cache = { staleWhileRevalidate: '1m' } as const;

    it('serves the old value at once while one node loads the new one (catches: waiting for the load)', async () => {
      const [a, b] = await pair(cache);
      await cluster.get(a);
      cluster.row = 'new';
      await a.service.expire('c', 'k');
      await cluster.caughtUp(b);
      const load = cluster.slowGet(a);
      expect(await load.value).toBe('old');
      await load.loading;
      expect(await cluster.get(b)).toBe('old');
      expect(await cluster.get(a)).toBe('old');
      load.finish();
      await until(async () => (await cluster.get(a)) === 'new');
      await until(async () => (await cluster.get(b)) === 'new');
      expect(loads(a) + loads(b)).toBeLessThanOrEqual(3);
    });

    it('serves it from memory when its time is over, without asking Redis first', async () => {
      const [a] = await pair({ ...cache, ttl: 30, jitter: 0 });
      await cluster.get(a);
      await until(async () => (await a.service.ttl('c', 'k')) === 0);
      const gate = a.gates.hold('read');
      cluster.row = 'new';
      expect(await cluster.get(a)).toBe('old');
      await gate.arrived;
      expect(await cluster.get(a)).toBe('old');
      gate.open();
      await until(async () => (await cluster.get(a)) === 'new');
    });

    it('does not bring back what is evicted while the refresh runs (catches: a fill without the lease)', async () => {
      const [a, b] = await pair(cache);
      await cluster.get(a);
      await a.service.expire('c', 'k');
      await cluster.caughtUp(b);
      const load = cluster.slowGet(a);
      await load.value;
      await load.loading;
      const gate = a.gates.hold('fill');
      load.finish();
      await gate.arrived;
      cluster.row = 'new';
      const message = cluster.heard(a);
      await b.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });
  });

  describe('staleIfError', () => {
    const cache = { staleIfError: '1m' } as const;
    const fail = (): Promise<string> => Promise.reject(new Error('no database'));

    it('serves the old value when loading fails, and for a while nobody tries again (catches: a herd on a sick database)', async () => {
      const [a, b] = await pair(cache);
      await cluster.get(a);
      await a.service.expire('c', 'k');
      await cluster.caughtUp(b);
      expect(await a.service.getOrSet('c', 'k', fail)).toBe('old');
      for (const node of [a, b, a, b])
        expect(await node.service.getOrSet('c', 'k', fail)).toBe('old');
      expect([loads(a), loads(b)]).toEqual([2, 0]);
      expect(a.service.stats()['c']?.staleHits).toBeGreaterThanOrEqual(1);
    });

    it('prefers the new value, and passes the error on without an old one', async () => {
      const [a] = await pair(cache);
      await expect(a.service.getOrSet('c', 'k', fail)).rejects.toThrow('no database');
      await cluster.get(a);
      await a.service.expire('c', 'k');
      cluster.row = 'new';
      expect(await cluster.get(a)).toBe('new');
    });
  });

  describe.each(['staleWhileRevalidate', 'staleIfError'])('with %s', (option) => {
    const cache = { [option]: '1m' } as CacheOptions;
    const verbs: Record<string, (on: GatedNode) => Promise<void>> = {
      'delete a key': (on) => on.service.delete('c', 'k'),
      'invalidate a tag': (on) => on.service.invalidateTags(['t']),
      'clear the cache': (on) => on.service.clear('c'),
      'expire a key': (on) => on.service.expire('c', 'k'),
      'expire a tag': (on) => on.service.invalidateTags(['t'], { mode: 'expire' }),
      'expire the cache': (on) => on.service.clear('c', { mode: 'expire' }),
    };

    it.each(Object.keys(verbs))('%s: hard forgets, soft serves stale', async (verb) => {
      const [a, b] = await pair(cache);
      const tagged = (on: GatedNode, load: () => unknown) =>
        on.service.getOrSet('c', 'k', load, { tags: ['t'] });
      await tagged(a, () => 'old');
      await tagged(b, () => 'old');
      await verbs[verb]!(a);
      await cluster.caughtUp(b);
      const failing = (): never => {
        throw new Error('no database');
      };
      for (const node of [a, b]) {
        const answer = tagged(node, failing);
        if (verb.startsWith('expire')) expect(await answer).toBe('old');
        else await expect(answer).rejects.toThrow('no database');
      }
    });
  });

  it.each([
    ['a key', (on: GatedNode) => on.service.expire('c', 'k')],
    ['a tag', (on: GatedNode) => on.service.invalidateTags(['t'], { mode: 'expire' })],
    ['the cache', (on: GatedNode) => on.service.clear('c', { mode: 'expire' })],
  ])(
    'after expiring %s nobody is served the old value while loading works (catches: staleIfError taken for fresh)',
    async (_what, expire) => {
      const [a, b] = await pair({ staleIfError: '1m' });
      const get = (on: GatedNode) =>
        on.service.getOrSet('c', 'k', () => cluster.row, { tags: ['t'] });
      for (const node of [a, b]) await get(node);
      cluster.row = 'new';
      await expire(a);
      await cluster.caughtUp(b);
      for (const node of [b, a]) expect(await get(node)).toBe('new');
    },
  );

  describe('timeouts', () => {
    it('soft: the old value is served, the load goes on and is stored', async () => {
      const [a] = await pair({ staleIfError: '1m', timeout: { soft: 20 } });
      await cluster.get(a);
      await a.service.expire('c', 'k');
      cluster.row = 'new';
      const load = cluster.slowGet(a);
      expect(await load.value).toBe('old');
      load.finish();
      await until(async () => (await cluster.get(a)) === 'new');
    });

    it('soft: an eviction while the load goes on is not undone in memory (catches: a fence that ends with the caller)', async () => {
      const [a, b] = await pair({ staleIfError: '1m', timeout: { soft: 20 } });
      await cluster.get(a);
      await a.service.expire('c', 'k');
      const load = cluster.slowGet(a);
      expect(await load.value).toBe('old');
      const gate = a.gates.hold('fill', 'after');
      load.finish();
      await gate.arrived;
      cluster.row = 'new';
      const message = cluster.heard(a);
      await b.service.delete('c', 'k');
      await message;
      gate.open();
      expect(await cluster.answers()).toEqual(new Set(['new']));
    });

    it('hard: the call rejects, the load is told, and the next one starts at once', async () => {
      const [a] = await pair({});
      let signal: AbortSignal | undefined;
      const stuck = a.service.getOrSet(
        'c',
        'k',
        (load) => {
          ({ signal } = load);
          return new Promise<string>(() => undefined);
        },
        { timeout: { hard: 20 } },
      );
      await expect(stuck).rejects.toMatchObject({ code: 'E_CACHE_TIMEOUT', retryable: true });
      expect(signal?.aborted).toBe(true);
      expect(await cluster.get(a)).toBe('old');
    });
  });

  describe('refresh ahead', () => {
    it('serves the value and has it replaced once per node and value', async () => {
      const [a] = await pair({ refreshAhead: { at: 0 } });
      await cluster.get(a);
      cluster.row = 'new';
      expect(await cluster.get(a)).toBe('old');
      await until(() => loads(a) === 2);
      await until(async () => (await cluster.get(a)) === 'new');
    });
  });

  it('background: false leaves the refresh to others (catches: a factory that runs after its request)', async () => {
    const [a] = await pair({ refreshAhead: { at: 0 } });
    await cluster.get(a);
    for (let call = 0; call < 3; call++)
      await a.service.getOrSet('c', 'k', () => cluster.row, { background: false });
    await cluster.caughtUp(a);
    expect(loads(a)).toBe(1);
  });

  describe('a factory decides', () => {
    it('how long its value lives, its tags, and whether it is stored', async () => {
      const [a, b] = await pair({});
      await a.service.getOrSet('c', 1, () => {
        currentCacheLoad()?.setTtl('10s');
        currentCacheLoad()?.addTags('mine');
        return 'value';
      });
      expect(await a.service.ttl('c', 1)).toBeLessThanOrEqual(10_000);
      await b.service.invalidateTags(['mine']);
      await cluster.caughtUp(a);
      expect(await a.service.has('c', 1)).toBe(false);
      await a.service.getOrSet('c', 2, (load) => {
        load.skip();
        return 'value';
      });
      expect(await a.service.has('c', 2)).toBe(false);
      expect(currentCacheLoad()).toBeUndefined();
    });

    it('sees the old value that it replaces', async () => {
      const [a] = await pair({ staleIfError: '1m' });
      await cluster.get(a);
      await a.service.expire('c', 'k');
      expect(await a.service.getOrSet('c', 'k', ({ stale }) => `${String(stale?.value)}er`)).toBe(
        'older',
      );
    });
  });

  describe('cacheErrors', () => {
    it('keeps an error for everybody, as an error (catches: an error that comes back as a value)', async () => {
      const [a, b] = await pair({});
      const missing = { cacheErrors: () => '10s' as const };
      let runs = 0;
      const fail = (): never => {
        runs++;
        throw new RangeError('no such row');
      };
      for (const node of [a, a, b, b]) {
        const error = await node.service.getOrSet('c', 'k', fail, missing).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(runs).toBe(1);
      await expect(b.service.get('c', 'k')).rejects.toThrow('no such row');
      expect(await b.service.has('c', 'k')).toBe(false);
      await a.service.delete('c', 'k');
      await cluster.caughtUp(b);
      expect(await cluster.get(b)).toBe('old');
    });
  });

  it('lifetimes are shortened by jitter, never prolonged', async () => {
    const [a] = await pair({ ttl: 100_000, jitter: 0.5 });
    const ttls = await Promise.all(
      Array.from({ length: 50 }, async (_unused, id) => {
        await a.service.getOrSet('c', id, () => id);
        return (await a.service.ttl('c', id)) ?? Infinity;
      }),
    );
    expect(Math.max(...ttls)).toBeLessThanOrEqual(100_000);
    expect(Math.max(...ttls) - Math.min(...ttls)).toBeGreaterThan(10_000);
  });
});
