/** Leases of values that are there, soft expiry, errors for those who wait, and tags: on a real server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { SystemClock } from '../time/index.js';
import { resolveCacheOptions } from './cache.options.js';
import { type EntryHeader, formatEntry } from './entry-format.js';
import { L2Breaker } from './l2-breaker.js';
import { RedisCacheStore } from './redis-cache.store.js';

const address = { cache: 'c', key: 'k' };
const entryKey = 'distributed:cache:{c:k}';
const tagKey = 'distributed:cache:{st}:tag';
const generation = { hard: 1, soft: 1 };
const lease = (token: string) => ({ schema: 1, generation, token });
const header: EntryHeader = {
  kind: 'value',
  ...lease('value'),
  tags: [],
  staleWhileRevalidate: 10_000,
  staleIfError: 30_000,
  loadMs: 0,
  createdAt: 0,
  codec: 0,
  flags: 0,
  keyCheck: 0,
};
const record = formatEntry(header, Buffer.from('"v"'));
const newer = formatEntry({ ...header, token: 'mine' }, Buffer.from('"w"'));
const announcement = { channel: 'bus', text: 'forget' };

describe('values that are there', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let store: RedisCacheStore;

  beforeAll(async () => {
    server = await startRedis();
    connection = await RedisConnection.connect({ url: server.url });
    const options = resolveCacheOptions({});
    const breaker = new L2Breaker(new SystemClock(), options);
    store = new RedisCacheStore(connection, breaker, options);
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });
  beforeEach(async () => {
    await connection.client.flushall();
    await connection.client.set(entryKey, record, 'PX', 60_000);
  });

  const read = async () => (await store.read(address))?.entry;

  describe('refresh', () => {
    it('is given to one; the value stays readable and keeps its lifetime', async () => {
      expect(await store.refresh(address, 'value', lease('mine'), 10_000)).toBe('leased');
      expect(await store.refresh(address, 'value', lease('other'), 10_000)).toBe('busy');
      expect(await read()).toMatchObject({ token: 'value', leaseToken: 'mine' });
      expect((await read())?.payload.toString()).toBe('"v"');
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(50_000);
    });

    it('is ours when sent twice, and free again when it has run out', async () => {
      await store.refresh(address, 'value', lease('mine'), 10_000);
      expect(await store.refresh(address, 'value', lease('mine'), 1)).toBe('leased');
      while ((await store.refresh(address, 'value', lease('other'), 10_000)) === 'busy');
      expect((await read())?.leaseToken).toBe('other');
    });

    it('is refused for another value, a lease, and nothing', async () => {
      expect(await store.refresh(address, 'older', lease('mine'), 10_000)).toBe('changed');
      await connection.client.del(entryKey);
      expect(await store.refresh(address, 'value', lease('mine'), 10_000)).toBe('changed');
      await store.acquire(address, lease('value'), 10_000);
      expect(await store.refresh(address, 'value', lease('mine'), 10_000)).toBe('changed');
    });

    it('fills only while it stands (catches: a refresh that brings back what was evicted)', async () => {
      await store.refresh(address, 'value', lease('mine'), 10_000);
      await store.expire(address, announcement);
      const value = { token: 'mine', record: newer, ttlMs: 60_000 };
      expect(await store.fill(address, value)).toBe(false);
      await store.refresh(address, 'value', lease('mine'), 10_000);
      await store.remove(address, announcement);
      expect(await store.fill(address, value)).toBe(false);
      await connection.client.set(entryKey, record, 'PX', 60_000);
      await store.refresh(address, 'value', lease('mine'), 10_000);
      expect(await store.fill(address, value)).toBe(true);
      expect(await store.fill(address, value)).toBe(true);
      expect(await read()).toMatchObject({ token: 'mine', leaseToken: '' });
    });

    it('is extended and given back without touching the value', async () => {
      await store.refresh(address, 'value', lease('mine'), 1);
      expect(await store.extend(address, lease('other'), 30_000)).toBe(false);
      expect(await store.extend(address, lease('mine'), 30_000)).toBe(true);
      expect(await store.refresh(address, 'value', lease('other'), 10_000)).toBe('busy');
      await store.abandon(address, lease('other'));
      expect((await read())?.leaseToken).toBe('mine');
      await store.abandon(address, lease('mine'));
      expect(await read()).toMatchObject({ token: 'value', leaseToken: '' });
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(50_000);
    });

    it('that failed pauses the next one', async () => {
      await store.refresh(address, 'value', lease('mine'), 10_000);
      const failure = { record: newer, ttlMs: 10_000, pauseMs: 60_000 };
      await store.abandon(address, lease('mine'), failure);
      expect(await read()).toMatchObject({ token: 'value' });
      expect(await store.refresh(address, 'value', lease('other'), 10_000)).toBe('failed');
    });
  });

  it('a load that fails leaves its error to those who wait', async () => {
    await connection.client.del(entryKey);
    await store.acquire(address, lease('mine'), 10_000);
    const error = formatEntry({ ...header, kind: 'error', token: 'mine' }, Buffer.from('{}'));
    const failure = { record: error, ttlMs: 2_000, pauseMs: 0 };
    await store.abandon(address, lease('other'), failure);
    expect((await read())?.kind).toBe('lease');
    await store.abandon(address, lease('mine'), failure);
    expect(await read()).toMatchObject({ kind: 'error', token: 'mine' });
    expect(await connection.client.pttl(entryKey)).toBeLessThanOrEqual(2_000);
  });

  describe('expire', () => {
    it('leaves the stale time, not more, and nothing without one', async () => {
      await store.expire(address, announcement);
      expect(await connection.client.pttl(entryKey)).toBeLessThanOrEqual(30_000);
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(25_000);
      await connection.client.pexpire(entryKey, 10_000);
      await store.expire(address, announcement);
      expect(await connection.client.pttl(entryKey)).toBeLessThanOrEqual(10_000);
      const strict = { ...header, staleWhileRevalidate: 0, staleIfError: 0 };
      await connection.client.set(entryKey, formatEntry(strict, Buffer.alloc(0)), 'PX', 60_000);
      await store.expire(address, announcement);
      expect(await connection.client.exists(entryKey)).toBe(0);
    });

    it('ends the lease of a missing value, and intents (catches: a fill after it)', async () => {
      await connection.client.del(entryKey);
      await store.acquire(address, lease('mine'), 10_000);
      await store.intend(address, 'mine', 10_000);
      await store.expire(address, announcement);
      expect(await connection.client.exists(entryKey, `${entryKey}:intent`)).toBe(0);
    });
  });

  describe('tags', () => {
    it('are missing until a value is bound to them, and live longer than it', async () => {
      const clock = await store.clock();
      expect(await store.tags(['st', 'su'])).toEqual([undefined, undefined]);
      const [bound] = await store.bindTags(['st'], clock, 10_000);
      expect(bound?.version).toEqual({ hard: clock, soft: clock });
      expect(bound?.keptMs).toBeGreaterThan(15_000);
      expect(await store.tags(['st', 'su'])).toEqual([{ hard: clock, soft: clock }, undefined]);
      const [again] = await store.bindTags(['st'], clock + 5, 100_000);
      expect(again).toMatchObject({ version: { hard: clock, soft: clock } });
      expect(again?.keptMs).toBeGreaterThan(150_000);
    });

    it('move when they are invalidated, to a time later than every clock read before', async () => {
      const clock = await store.clock();
      await store.bindTags(['st'], clock, 10_000);
      await store.invalidateTag('st', 'soft', announcement);
      const [soft] = await store.tags(['st']);
      expect(soft?.hard).toBe(clock);
      expect(soft?.soft).toBeGreaterThan(clock);
      await store.invalidateTag('st', 'hard', announcement);
      const [hard] = await store.tags(['st']);
      expect(hard?.hard).toBeGreaterThan(soft?.soft ?? Infinity);
      expect(await store.clock()).toBeGreaterThanOrEqual(hard?.hard ?? Infinity);
    });

    it('never move back when two invalidations change places (catches: a plain SET)', async () => {
      await connection.client.set(tagKey, '9000000000000000:9000000000000000');
      await store.invalidateTag('st', 'hard', announcement);
      expect(await store.tags(['st'])).toEqual([{ hard: 9e15, soft: 9e15 }]);
    });

    it('that were never seen are invalidated too: a load on its way may be about to bind them', async () => {
      const clock = await store.clock();
      await store.invalidateTag('st', 'hard', announcement);
      const [bound] = await store.bindTags(['st'], clock, 10_000);
      expect(bound?.version.hard).toBeGreaterThan(clock);
      expect(await connection.client.pttl(tagKey)).toBeGreaterThan(3_600_000);
    });

    it('have a clock that is newer than a lost one (catches: counting from 1)', async () => {
      await store.invalidateTag('st', 'hard', announcement);
      const before = await store.clock();
      await connection.client.del('distributed:cache:clock');
      expect(await store.clock()).toBeGreaterThan(before);
    });
  });
});
