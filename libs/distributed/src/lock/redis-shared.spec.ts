/** Readers and writers in Redis: the scripts, against a real server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import type { AcquireCommand, AcquireReply } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';

const LEASE_MS = 10_000;
const within = { deadlineMs: 2_000 };

let server: RedisServer;
let proxy: FaultProxy;
let redis: RedisConnection;
let direct: RedisConnection;
let store: RedisLockStore;

beforeAll(async () => {
  server = await startRedis();
  proxy = await createFaultProxy(server.url);
  redis = await RedisConnection.connect({ url: proxy.url(), offlineTimeout: '2s' });
  direct = await RedisConnection.connect({ url: server.url });
  store = new RedisLockStore(redis);
});

afterAll(async () => {
  await store.unwatch();
  await Promise.all([redis.close(), direct.close()]);
  await proxy.stop();
  await server.stop();
});

beforeEach(async () => {
  await direct.execute('flush', (client) => client.flushall());
});

const lockKey = (): string => direct.keys.key('lock', 'k');
const reader = (owner: string) => ({ key: 'k', owner, mode: 'shared' as const });
const writer = (owner: string) => ({ key: 'k', owner });

function read(owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
  return store.acquire(
    { ...reader(owner), leaseMs: LEASE_MS, fences: 1, queue: true, ...more },
    within,
  );
}

function write(owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
  return store.acquire(
    { ...writer(owner), leaseMs: LEASE_MS, fences: 1, queue: true, ...more },
    within,
  );
}

async function token(reply: Promise<AcquireReply>): Promise<number> {
  const answer = await reply;
  if (!answer.acquired) throw new Error('expected the lock');
  return answer.fencingToken;
}

async function got(reply: Promise<AcquireReply>): Promise<boolean> {
  return (await reply).acquired;
}

async function renewed(owner: string, leaseMs: number): Promise<unknown> {
  const [result] = await store.renew([{ ...reader(owner), leaseMs }], within);
  return result?.status === 'fulfilled' ? result.value : result?.reason;
}

const ttl = (): Promise<number> => direct.execute('pttl', (client) => client.pttl(lockKey()));

/** Ends a lease as the server sees it, not as the spec waits. */
const expire = (owner: string): Promise<unknown> =>
  direct.execute('zadd', (client) => client.zadd(`${lockKey()}:readers`, 1, `${owner}/shared`));

describe('acquire-shared', () => {
  it('lets readers in together, with one token; a writer before and after is told apart', async () => {
    const before = await token(write('w:1'));
    await store.release(writer('w:1'), within);
    const first = await token(read('p:1'));
    expect(first).toBeGreaterThan(before);
    expect(await token(read('q:1'))).toBe(first);
    expect(await got(write('w:2'))).toBe(false);
    await store.release(reader('p:1'), within);
    expect(await got(write('w:2'))).toBe(false);
    await store.release(reader('q:1'), within);
    expect(await token(write('w:2'))).toBeGreaterThan(first);
    expect(await got(read('p:2'))).toBe(false);
  });

  it('ends with the longest lease, and follows when that one leaves', async () => {
    await read('p:1', { leaseMs: 60_000 });
    await read('q:1');
    expect(await ttl()).toBeGreaterThan(50_000);
    await store.release(reader('p:1'), within);
    expect(await ttl()).toBeLessThanOrEqual(LEASE_MS);
    await store.release(reader('q:1'), within);
    expect(await ttl()).toBe(-2);
    const keys = await direct.execute('keys', (client) => client.keys('*'));
    expect(keys).toEqual([`${lockKey()}:fence`]);
  });

  it('executed twice after a lost reply is one reader', async () => {
    await read('warm-up');
    await store.release(reader('warm-up'), within);
    const dropped = proxy.droppedReplies;
    proxy.dropNextReply({ to: 'evalsha' });
    expect(await got(read('p:1'))).toBe(true);
    expect(proxy.droppedReplies).toBe(dropped + 1);
    await store.release(reader('p:1'), within);
    expect(await got(write('w:1'))).toBe(true);
  });

  it('does not keep a dead reader alive with the living (C27; mutation: a TTL for all)', async () => {
    await read('dead:1', { leaseMs: 60_000 });
    await read('p:1');
    await expire('dead:1');
    expect(await renewed('p:1', LEASE_MS)).toBe(true);
    expect(await renewed('dead:1', LEASE_MS)).toBe(false);
    expect(await ttl()).toBeLessThanOrEqual(LEASE_MS);
    await store.release(reader('p:1'), within);
    expect(await got(write('w:1'))).toBe(true);
  });

  it('begins anew when the lock was deleted by somebody else', async () => {
    await read('p:1');
    await direct.execute('del', (client) => client.del(lockKey()));
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    await read('q:1');
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    expect(await store.release(reader('p:1'), within)).toBe('absent');
    expect(await got(write('w:1'))).toBe(false);
  });
});

describe('renew-shared', () => {
  it('makes the lease last at least as long as asked, never shorter', async () => {
    await read('p:1');
    expect(await renewed('p:1', 60_000)).toBe(true);
    expect(await renewed('p:1', 1_000)).toBe(true);
    expect(await ttl()).toBeGreaterThan(50_000);
  });

  it('never prolongs the lease of a writer (mutation: PEXPIREAT blindly)', async () => {
    await read('p:1');
    await direct.execute('del', (client) => client.del(lockKey()));
    await write('w:1', { leaseMs: 5_000 });
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await ttl()).toBeLessThanOrEqual(5_000);
  });
});

describe('release-shared', () => {
  it('gives up the own share, once', async () => {
    await read('p:1');
    await read('q:1');
    expect(await store.release(reader('p:1'), within)).toBe('deleted');
    expect(await store.release(reader('p:1'), within)).toBe('absent');
    expect(await renewed('q:1', LEASE_MS)).toBe(true);
  });

  it('keeps the lock taken, by nobody, when asked to', async () => {
    await read('p:1');
    await store.release(reader('p:1'), { ...within, keepMs: 5_000 });
    expect(await got(write('w:1'))).toBe(false);
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await ttl()).toBeLessThanOrEqual(5_000);
  });
});

describe('a writer that nobody disturbs', () => {
  it('needs no more than before: the same commands inside the scripts', async () => {
    const inside = async (): Promise<Record<string, number>> => {
      const info = await direct.execute('info', (client) => client.info('commandstats'));
      return Object.fromEntries(
        [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [
          name,
          Number(calls),
        ]),
      );
    };
    await write('warm-up');
    await store.release(writer('warm-up'), within);
    const before = await inside();
    await write('w:1');
    await store.release(writer('w:1'), within);
    const after = await inside();
    const counts = ['get', 'exists', 'set', 'time', 'del', 'zrange', 'hdel', 'zadd', 'publish'].map(
      (name) => [name, (after[name] ?? 0) - (before[name] ?? 0)],
    );
    expect(Object.fromEntries(counts)).toEqual({
      get: 3,
      exists: 2,
      set: 2,
      time: 1,
      del: 1,
      zrange: 0,
      hdel: 0,
      zadd: 0,
      publish: 0,
    });
  });
});
