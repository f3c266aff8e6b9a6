/** `CACHE_MANAGER` as users of `@nestjs/cache-manager` know it, on real Redis. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import {
  CACHE_MANAGER,
  CacheManager,
  CacheManagerModule,
  type CacheManagerOptions,
} from './index.js';
import { CacheManagerService } from './cache-manager.service.js';

@Injectable()
class Legacy {
  constructor(@Inject('CACHE_MANAGER') readonly cache: CacheManager) {}
}

describe('CACHE_MANAGER', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  async function boot(options: CacheManagerOptions = {}): Promise<CacheManager> {
    const app = await applications.boot({
      imports: [CacheManagerModule.register(options)],
      providers: [Legacy],
    });
    return app.get(Legacy).cache;
  }

  it('is injected under the token of @nestjs/cache-manager', async () => {
    expect(CACHE_MANAGER).toBe('CACHE_MANAGER');
    const cache = await boot();
    expect(cache).toBeInstanceOf(CacheManager);
    expect([cache.cacheId(), cache.stores]).toEqual(['cache-manager', []]);
    await expect(cache.disconnect()).resolves.toBeUndefined();
  });

  it('reads what another process wrote, one by one and in a list', async () => {
    const [writer, reader] = [await boot(), await boot()];
    expect(await writer.set('a', { n: 1 }, 5000)).toEqual({ n: 1 });
    await writer.mset([
      { key: 'b', value: 2 },
      { key: 'c', value: 3, ttl: 1000 },
    ]);
    expect(await reader.get('a')).toEqual({ n: 1 });
    expect(await reader.mget(['c', 'x', 'b'])).toEqual([3, undefined, 2]);
    const expires = (await reader.ttl('a')) ?? 0;
    expect(expires - Date.now()).toBeGreaterThan(1000);
    expect(expires - Date.now()).toBeLessThanOrEqual(5000);
    expect(await reader.del('a')).toBe(true);
    expect(await writer.mdel(['b', 'nothing'])).toBe(true);
    expect(await writer.mget(['a', 'b', 'c'])).toEqual([undefined, undefined, 3]);
  });

  it('clears its own name only', async () => {
    const app = await applications.boot({});
    const managers = app.get(CacheManagerService);
    const [one, other] = [managers.create({ name: 'one' }), managers.create({ name: 'other' })];
    await one.set('key', 1);
    await other.set('key', 2);
    expect(await one.clear()).toBe(true);
    expect([await one.get('key'), await other.get('key')]).toEqual([undefined, 2]);
  });

  it('case 13: a failing function rejects with its own error, and nothing is cached', async () => {
    const cache = await boot();
    const failure = new Error('no database');
    await expect(cache.wrap('key', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await cache.get('key')).toBeUndefined();
    expect(await cache.wrap('key', () => 1)).toBe(1);
  });

  it.each([0, -1, Number.NaN, Infinity])('case 17: a ttl of %p is refused', async (ttl) => {
    const cache = await boot();
    const invalid = { code: 'E_OPTIONS_INVALID' };
    await expect(cache.set('key', 1, ttl)).rejects.toMatchObject(invalid);
    await expect(cache.wrap('key', () => 1, ttl)).rejects.toMatchObject(invalid);
    await expect(
      cache.wrap(
        'key',
        () => 1,
        () => ttl,
      ),
    ).rejects.toMatchObject(invalid);
    expect(await cache.get('key')).toBeUndefined();
  });

  it.each([[undefined], [null], [0], [''], [false], [Number.NaN], [-0]])(
    'case 18: %p is a value and comes back as it is',
    async (value) => {
      const [cache, other] = [await boot({ miss: null }), await boot({ miss: null })];
      let runs = 0;
      for (const from of [cache, cache, other])
        expect(await from.wrap('key', () => [++runs, value][1])).toBe(value);
      expect(runs).toBe(1);
      await cache.set('set', value);
      expect(await other.get('set')).toBe(value);
      expect(await other.get('missing')).toBeNull();
    },
  );

  it('gives every caller a copy, or nobody one to change', async () => {
    const cache = await boot();
    const wrapped = await cache.wrap('key', () => ({ tags: ['a'] }));
    wrapped.tags.push('b');
    expect(await cache.get('key')).toEqual({ tags: ['a'] });
    const frozen = await boot({ isolation: 'freeze' });
    expect(Object.isFrozen(await frozen.get('key'))).toBe(true);
  });

  it('runs the function of wrap() once for many callers in two processes', async () => {
    const caches = [await boot(), await boot()];
    let runs = 0;
    const values = await Promise.all(
      Array.from({ length: 40 }, (_, index) => caches[index % 2]?.wrap('key', async () => ++runs)),
    );
    expect(new Set(values)).toEqual(new Set([1]));
  });

  it('takes a lifetime from the value, and shows when it ends', async () => {
    const cache = await boot({ ttl: '10s' });
    const options = { ttl: (value: number) => value * 1000, raw: true } as const;
    const { value, expires } = await cache.wrap('key', () => 30, options);
    expect([value, await cache.ttl('key')]).toEqual([30, expires]);
    expect(expires - Date.now()).toBeGreaterThan(10_000);
    expect(expires - Date.now()).toBeLessThanOrEqual(30_000);
  });

  it('loads anew in the background below the threshold, once', async () => {
    const cache = await boot();
    let runs = 0;
    const load = async (): Promise<number> => ++runs;
    expect(await cache.wrap('key', load, 10_000, 5000)).toBe(1);
    expect(await cache.wrap('key', load, 10_000, 5000)).toBe(1);
    const refreshed = events(cache, 'refresh');
    expect(await Promise.all([1, 2].map(() => cache.wrap('key', load, 10_000, 20_000)))).toEqual([
      1, 1,
    ]);
    expect(await refreshed).toEqual({ key: 'key', value: 2 });
    expect([await cache.get('key'), runs]).toEqual([2, 2]);
  });

  it('keeps the old value when a background load fails, and tells it by an event', async () => {
    const cache = await boot({ refreshThreshold: '1h' });
    await cache.wrap('key', () => 1, 10_000);
    const refreshed = events(cache, 'refresh');
    const error = new Error('no database');
    expect(await cache.wrap<number>('key', () => Promise.reject(error), 10_000)).toBe(1);
    expect(await refreshed).toEqual({ key: 'key', value: 1, error });
    expect(await cache.get('key')).toBe(1);
  });

  it('a background load does not bring back what was deleted meanwhile', async () => {
    const cache = await boot({ refreshThreshold: '1h' });
    await cache.wrap('key', () => 'old');
    const [reading, written] = [deferred(), deferred()];
    const refreshed = events(cache, 'refresh');
    await cache.wrap('key', async () => {
      reading.resolve();
      await written.promise;
      return 'old';
    });
    await reading.promise;
    await cache.del('key');
    written.resolve();
    await refreshed;
    expect(await cache.get('key')).toBeUndefined();
  });

  it('tells what it did, and what failed', async () => {
    const cache = await boot();
    const told: unknown[] = [];
    const listener = (data: unknown): void => void told.push(data);
    for (const event of ['get', 'set', 'del'] as const) cache.on(event, listener);
    await cache.set('key', 1);
    await cache.get('key');
    await cache.get('missing');
    await cache.del('key');
    cache.off('set', listener);
    await cache.set('key', 2);
    expect(told).toEqual([{ key: 'key', value: 1 }, { key: 'key', value: 1 }, { key: 'key' }]);
    await applications.server.freeze();
    await expect(cache.del('key')).rejects.toMatchObject({ code: 'E_CACHE_INVALIDATION' });
    expect(told.at(-1)).toMatchObject({ key: 'key', error: { code: 'E_CACHE_INVALIDATION' } });
  });
});

async function events(cache: CacheManager, event: 'refresh'): Promise<unknown> {
  const emitter = cache.on(event, () => undefined);
  return ((await once(emitter, event)) as unknown[])[0];
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
