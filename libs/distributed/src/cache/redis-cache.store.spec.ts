/** Every script and command of L2 against a real server, each also when it is sent twice. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { SystemClock } from '../time/index.js';
import { resolveCacheOptions } from './cache.options.js';
import { type EntryHeader, formatEntry, formatLease } from './entry-format.js';
import { L2Breaker } from './l2-breaker.js';
import { RedisCacheStore } from './redis-cache.store.js';

const address = { cache: 'c', key: 'k' };
const entryKey = 'distributed:cache:{c:k}';
const intentKey = 'distributed:cache:{c:k}:intent';
const generationKey = 'distributed:cache:{c}:generation';
const generation = { hard: 1, soft: 1 };
const mine = { schema: 1, generation, token: 'mine' };
const other = { schema: 1, generation, token: 'other' };
const header: EntryHeader = {
  kind: 'value',
  ...mine,
  tags: [],
  staleWhileRevalidate: 0,
  staleIfError: 0,
  loadMs: 0,
  createdAt: 0,
  codec: 0,
  flags: 0,
  keyCheck: 0,
};
const record = formatEntry(header, Buffer.from('"v"'));
const value = { token: 'mine', record, ttlMs: 60_000 };
const announcement = { channel: 'bus', text: 'forget k' };

describe('RedisCacheStore', () => {
  let server: RedisServer;
  let connection: RedisConnection;
  let store: RedisCacheStore;
  const heard: string[] = [];

  beforeAll(async () => {
    server = await startRedis();
    connection = await RedisConnection.connect({ url: server.url });
    const options = resolveCacheOptions({});
    const breaker = new L2Breaker(new SystemClock(), options);
    store = new RedisCacheStore(connection, breaker, options);
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
    expect((await store.read(address))?.entry).toMatchObject({ kind: 'lease', ...mine });
    await store.fill(address, value);
    const entry = await store.read(address);
    expect(entry?.entry).toMatchObject({ kind: 'value', payload: Buffer.from('"v"') });
    expect(entry?.remainingMs).toBeLessThanOrEqual(60_000);
    expect(entry?.remainingMs).toBeGreaterThan(50_000);
  });

  it('gives the lease of an absent entry to one', async () => {
    expect(await store.acquire(address, mine, 10_000)).toBe(true);
    expect(await store.acquire(address, other, 10_000)).toBe(false);
    expect(await connection.client.pttl(entryKey)).toBeGreaterThan(9_000);
  });

  it('reads several at once, in order, with holes', async () => {
    await store.acquire({ cache: 'c', key: 'b' }, mine, 10_000);
    await store.fill({ cache: 'c', key: 'b' }, value);
    const found = await store.readMany(['a', 'b', 'c'].map((key) => ({ cache: 'c', key })));
    expect(found.map((entry) => entry?.entry?.kind)).toEqual([undefined, 'value', undefined]);
    expect(found[1]?.remainingMs).toBeGreaterThan(50_000);
    expect(await store.readMany([])).toEqual([]);
  });

  it('calls a record of another format foreign', async () => {
    await connection.client.set(entryKey, 'V1 1.1 token\n{}');
    expect(await store.read(address)).toMatchObject({ entry: undefined });
  });

  it('looks at a header without the value', async () => {
    expect(await store.head(address)).toMatchObject({ token: undefined });
    await store.acquire(address, mine, 10_000);
    expect(await store.head(address)).toMatchObject({ token: undefined });
    await store.fill(address, value);
    expect((await store.head(address)).token).toBe('mine');
    expect((await store.head(address)).remainingMs).toBeGreaterThan(50_000);
  });

  describe('replace', () => {
    const old = formatEntry({ ...header, token: 'old' }, Buffer.alloc(1_000));
    const identity = old.subarray(0, 48);

    it('takes the place of exactly the record that was read', async () => {
      await connection.client.set(entryKey, old);
      const older = formatEntry({ ...header, token: 'older' }, Buffer.alloc(0)).subarray(0, 48);
      expect(await store.replace(address, older, mine, 10_000)).toBe(false);
      expect(await store.replace(address, identity, mine, 10_000)).toBe(true);
      expect(await connection.client.getBuffer(entryKey)).toEqual(formatLease(mine));
      expect(await connection.client.pttl(entryKey)).toBeGreaterThan(9_000);
    });

    it('is ours when sent twice, and never takes an absent entry', async () => {
      await connection.client.set(entryKey, old);
      await store.replace(address, identity, mine, 10_000);
      expect(await store.replace(address, identity, mine, 10_000)).toBe(true);
      await connection.client.del(entryKey);
      expect(await store.replace(address, identity, mine, 10_000)).toBe(false);
    });

    it('does not take a value that somebody refreshes by now (catches: comparing the token alone)', async () => {
      await connection.client.set(entryKey, old, 'PX', 60_000);
      await store.refresh(address, 'old', other, 10_000);
      expect(await store.replace(address, identity, mine, 10_000)).toBe(false);
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
      expect(await connection.client.getBuffer(entryKey)).toEqual(record);
      expect(await connection.client.exists(intentKey)).toBe(0);
      expect(await announced()).toEqual(['forget k']);
    });

    it('evicts when another write came, and spoils that one too: nobody knows which is newer', async () => {
      await store.intend(address, mine.token, 10_000);
      await store.intend(address, other.token, 10_000);
      expect(await store.put(address, value, announcement)).toBe(false);
      expect(await store.put(address, { ...value, token: 'other' }, announcement)).toBe(false);
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
      expect(await store.fill(address, { ...value, token: 'other' })).toBe(false);
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
      expect(await store.generation('c')).toEqual(first);
      await store.clear('c', 'hard', announcement);
      const second = await store.generation('c');
      expect(second.hard).toBeGreaterThan(first.hard);
      expect(await announced()).toEqual(['forget k']);
    });

    it('expires: only the soft version moves', async () => {
      const first = await store.generation('c');
      await store.clear('c', 'soft', announcement);
      const second = await store.generation('c');
      expect(second.hard).toBe(first.hard);
      expect(second.soft).toBeGreaterThan(first.soft);
    });

    it('is newer than a lost one (catches counting from 1: dead records come back to life)', async () => {
      await store.clear('c', 'hard', announcement);
      const lost = await store.generation('c');
      await connection.client.del(generationKey);
      expect((await store.generation('c')).hard).toBeGreaterThan(lost.hard);
    });

    it('grows even when the clock of the server stands behind it', async () => {
      await connection.client.set(generationKey, '9000000000000000:9000000000000000');
      await store.clear('c', 'hard', announcement);
      expect((await store.generation('c')).hard).toBe(9_000_000_000_000_001);
    });
  });
});
