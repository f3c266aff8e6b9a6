/** Every script and command of L2 against a real server, each also when it is sent twice. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { resolveCacheOptions } from './cache.options.js';
import { formatLease, formatValue } from './cache-record.js';
import { RedisCacheStore } from './redis-cache.store.js';

const address = { cache: 'c', key: 'k' };
const entryKey = 'distributed:cache:{c:k}';
const intentKey = 'distributed:cache:{c:k}:intent';
const generationKey = 'distributed:cache:{c}:generation';
const mine = { stamp: '1.1', token: 'mine' };
const other = { stamp: '1.1', token: 'other' };
const value = { lease: mine, text: '"v"', ttlMs: 60_000 };
const announcement = { channel: 'bus', text: 'forget k' };

describe('RedisCacheStore', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let store: RedisCacheStore;
  const heard: string[] = [];

  beforeAll(async () => {
    server = await startRedis();
    connection = await RedisConnection.connect({ url: server.url });
    store = new RedisCacheStore(connection, resolveCacheOptions({}));
    await connection.subscribe('bus', (message) => heard.push(message));
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });
  beforeEach(async () => {
    await connection.client.flushall();
    heard.length = 0;
  });

  /** Messages arrive on another connection: awaits those published so far. */
  async function announced(): Promise<string[]> {
    await new Promise<void>((resolve) => {
      void connection
        .subscribe('mark', () => resolve())
        .then(() => connection.client.publish('mark', ''));
    });
    return heard;
  }

  it('reads nothing, a lease and a value with a lifetime that is never too long', async () => {
    expect(await store.read(address)).toBeUndefined();
    await store.acquire(address, mine, 10_000);
    expect((await store.read(address))?.record).toMatchObject({ kind: 'lease', ...mine });
    await store.fill(address, value);
    const entry = await store.read(address);
    expect(entry?.record).toMatchObject({ kind: 'value', text: '"v"' });
    expect(entry?.remainingMs).toBeLessThanOrEqual(60_000);
    expect(entry?.remainingMs).toBeGreaterThan(50_000);
  });

  it('gives the lease of an absent entry to one', async () => {
    expect(await store.acquire(address, mine, 10_000)).toBe(true);
    expect(await store.acquire(address, other, 10_000)).toBe(false);
    expect(await connection.client.pttl(entryKey)).toBeGreaterThan(9_000);
  });

  describe('replace', () => {
    const old = { stamp: '0.1', token: 'old' };

    it('takes the place of exactly the record that was read', async () => {
      await connection.client.set(entryKey, formatValue(old, 'x'.repeat(1_000)));
      expect(await store.replace(address, 'V1 0.1 older', mine, 10_000)).toBe(false);
      expect(await store.replace(address, 'V1 0.1 old', mine, 10_000)).toBe(true);
      expect(await connection.client.get(entryKey)).toBe(formatLease(mine));
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(9_000);
    });

    it('is ours when sent twice, and never takes an absent entry', async () => {
      await connection.client.set(entryKey, formatLease(old));
      await store.replace(address, formatLease(old), mine, 10_000);
      expect(await store.replace(address, formatLease(old), mine, 10_000)).toBe(true);
      await connection.client.del(entryKey);
      expect(await store.replace(address, formatLease(old), mine, 10_000)).toBe(false);
    });
  });

  describe('extend', () => {
    it('prolongs only the own lease', async () => {
      await store.acquire(address, mine, 1_000);
      expect(await store.extend(address, other, 30_000)).toBe(false);
      expect(await store.extend(address, mine, 30_000)).toBe(true);
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(20_000);
      await connection.client.del(entryKey);
      expect(await store.extend(address, mine, 30_000)).toBe(false);
    });
  });

  describe('abandon', () => {
    it('gives back only the own lease, never a value', async () => {
      await store.acquire(address, other, 10_000);
      await store.abandon(address, mine);
      expect(await connection.client.exists(entryKey)).toBe(1);
      await store.abandon(address, other);
      expect(await connection.client.exists(entryKey)).toBe(0);
      await store.acquire(address, mine, 10_000);
      await store.fill(address, value);
      await store.abandon(address, mine);
      expect(await connection.client.exists(entryKey)).toBe(1);
    });
  });

  describe('fill', () => {
    it('writes only over the own lease (catches an unconditional SET)', async () => {
      expect(await store.fill(address, value)).toBe(false);
      await store.acquire(address, other, 10_000);
      expect(await store.fill(address, value)).toBe(false);
      await store.abandon(address, other);
      await store.acquire(address, mine, 10_000);
      expect(await store.fill(address, value)).toBe(true);
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(50_000);
    });

    it('says the same when it is sent twice', async () => {
      await store.acquire(address, mine, 10_000);
      await store.fill(address, value);
      expect(await store.fill(address, value)).toBe(true);
      await store.remove(address, announcement);
      expect(await store.fill(address, value)).toBe(false);
    });
  });

  describe('put', () => {
    it('writes under the last intent, and announces', async () => {
      await store.intend(address, mine.token, 10_000);
      expect(await store.put(address, value, announcement)).toBe(true);
      expect(await connection.client.get(entryKey)).toBe(formatValue(mine, '"v"'));
      expect(await connection.client.exists(intentKey)).toBe(0);
      expect(await announced()).toEqual(['forget k']);
    });

    it('evicts when another write came, and spoils that one too: nobody knows which is newer', async () => {
      await store.intend(address, mine.token, 10_000);
      await store.intend(address, other.token, 10_000);
      expect(await store.put(address, value, announcement)).toBe(false);
      expect(await store.put(address, { ...value, lease: other }, announcement)).toBe(false);
      expect(await connection.client.exists(entryKey)).toBe(0);
      expect(await announced()).toHaveLength(2);
    });

    it('evicts when the entry was evicted meanwhile (catches a late put over an eviction)', async () => {
      await store.intend(address, mine.token, 10_000);
      await store.remove(address, announcement);
      expect(await store.put(address, value, announcement)).toBe(false);
      expect(await connection.client.exists(entryKey)).toBe(0);
    });

    it('takes the lease away from a load that is on its way', async () => {
      await store.acquire(address, other, 10_000);
      await store.intend(address, mine.token, 10_000);
      await store.put(address, value, announcement);
      expect(await store.fill(address, { ...value, lease: other, text: '"old"' })).toBe(false);
    });
  });

  describe('remove', () => {
    it('forgets value, lease and intent, and announces in the same step', async () => {
      await store.acquire(address, mine, 10_000);
      await store.intend(address, mine.token, 10_000);
      await store.remove(address, announcement);
      expect(await connection.client.exists(entryKey, intentKey)).toBe(0);
      await store.remove(address, announcement);
      expect(await announced()).toEqual(['forget k', 'forget k']);
    });
  });

  describe('generation and clear', () => {
    it('creates one, keeps it, and clear starts a newer one', async () => {
      const first = await store.generation('c');
      expect(await store.generation('c')).toBe(first);
      await store.clear('c', announcement);
      const second = await store.generation('c');
      expect(Number(second)).toBeGreaterThan(Number(first));
      expect(await announced()).toEqual(['forget k']);
    });

    it('is newer than a lost one (catches counting from 1: dead records come back to life)', async () => {
      await store.clear('c', announcement);
      const lost = await store.generation('c');
      await connection.client.del(generationKey);
      expect(Number(await store.generation('c'))).toBeGreaterThan(Number(lost));
    });

    it('grows even when the clock of the server stands behind it', async () => {
      await connection.client.set(generationKey, '9000000000000000');
      await store.clear('c', announcement);
      expect(await store.generation('c')).toBe('9000000000000001');
    });
  });
});
