/** Redlock's scripts, each on a real server: what one master does with commands in any order. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { redlockScripts } from './redlock-scripts.js';

const LEASE_MS = 10_000;
let server: RedisServer;
let redis: RedisConnection;
let lock: string;

beforeAll(async () => {
  server = await startRedis();
  redis = await RedisConnection.connect({ url: server.url });
  lock = redis.keys.key('redlock', 'k');
});

afterAll(async () => {
  await redis.close();
  await server.stop();
});

beforeEach(async () => {
  await redis.execute('flush', (client) => client.flushall());
});

/** `wants` remembers a refusal. */
async function acquire(
  owner: string,
  number: number,
  more: { leaseMs?: number; frees?: string; wants?: boolean } = {},
) {
  const { leaseMs = LEASE_MS, frees = '', wants = false } = more;
  const keys = [lock, redis.keys.key('redlock', 'k', 'wanted')];
  return await redis.eval(redlockScripts.acquire, keys, [
    owner,
    number,
    leaseMs,
    frees,
    wants ? 400 : 0,
  ]);
}
const renew = (owner: string, number: number, leaseMs = LEASE_MS) =>
  redis.eval(redlockScripts.renew, [lock], [owner, number, leaseMs]);
const release = (owner: string, number: number, keepMs = 0) =>
  redis.eval(redlockScripts.release, [lock], [owner, number, keepMs]);
const value = () => redis.execute('get', (client) => client.get(lock));
const ttl = () => redis.execute('pttl', (client) => client.pttl(lock));

const yes = { granted: true, freed: false };
const no = { granted: false, freed: false };

describe('redlock-acquire.lua', () => {
  it('votes once, for the first, again and again', async () => {
    expect(await acquire('p:1', 1)).toEqual(yes);
    expect(await acquire('q:1', 1)).toEqual(no);
    expect(await acquire('p:1', 2, { leaseMs: 50 })).toEqual(yes);
    expect(await value()).toBe('p:1#2');
    expect(await ttl()).toBeGreaterThan(LEASE_MS / 2);
  });

  it('leaves the number alone when an old command comes late', async () => {
    await acquire('p:1', 7);
    expect(await acquire('p:1', 3)).toEqual(yes);
    expect(await value()).toBe('p:1#7');
  });

  it('takes over what the same process gives back, unless another one waits', async () => {
    await acquire('p:1', 1);
    expect(await acquire('p:2', 2, { frees: 'p:1', wants: true })).toEqual({
      granted: true,
      freed: true,
    });
    await acquire('q:1', 1, { wants: true });
    // Mutation: no look at who was refused. A busy process would keep the lock for ever.
    expect(await acquire('p:3', 3, { frees: 'p:2', wants: true })).toEqual({
      granted: false,
      freed: true,
    });
    expect(await value()).toBeNull();
    expect(await acquire('p:3', 4, { wants: true })).toEqual(yes);
    expect(await acquire('p:4', 5, { frees: 'p:3', wants: true })).toEqual({
      granted: true,
      freed: true,
    });
  });

  it('frees nobody else', async () => {
    await acquire('q:1', 1);
    expect(await acquire('p:2', 2, { frees: 'p:1' })).toEqual(no);
    expect(await value()).toBe('q:1#1');
  });

  it('votes for nobody where something else is kept', async () => {
    await redis.execute('set', (client) => client.set(lock, 'something'));
    expect(await acquire('p:1', 1)).toEqual(no);
  });
});

describe('redlock-renew.lua', () => {
  it('makes a lease longer, never shorter', async () => {
    await acquire('p:1', 1);
    expect(await renew('p:1', 2, 2 * LEASE_MS)).toBe(true);
    expect(await renew('p:1', 3, 50)).toBe(true);
    expect(await ttl()).toBeGreaterThan(LEASE_MS);
  });

  // Mutation: SET without a look (redis-semaphore plants the key again where it is gone).
  it('plants nothing where the lock is gone, and takes nothing from others', async () => {
    expect(await renew('p:1', 1)).toBe(false);
    expect(await value()).toBeNull();
    await acquire('q:1', 1);
    expect(await renew('p:1', 2)).toBe(false);
    expect(await value()).toBe('q:1#1');
  });

  // Mutation: PEXPIRE only. The vote that was counted would disappear after that.
  it('saves the vote from the release of an earlier attempt', async () => {
    await acquire('p:1', 1);
    await renew('p:1', 3);
    expect(await release('p:1', 2)).toBe(false);
    expect(await value()).toBe('p:1#3');
  });
});

describe('redlock-release.lua', () => {
  it('frees the lock of its owner, once', async () => {
    await acquire('p:1', 1);
    expect(await release('q:1', 9)).toBe(false);
    expect(await release('p:1', 2)).toBe(true);
    expect(await release('p:1', 3)).toBe(false);
    expect(await value()).toBeNull();
  });

  // Mutation: no comparison of numbers. A late release of a failed attempt would break the next one.
  it('does not take back the vote of a later attempt', async () => {
    await acquire('p:1', 3);
    expect(await release('p:1', 2)).toBe(false);
    expect(await value()).toBe('p:1#3');
    expect(await release('p:1', Number.MAX_SAFE_INTEGER)).toBe(true);
  });

  it('keeps the lock for nobody, and does so once', async () => {
    await acquire('p:1', 1);
    expect(await release('p:1', 2, 500)).toBe(true);
    expect(await value()).toBe('kept:p:1#2');
    expect(await ttl()).toBeLessThanOrEqual(500);
    expect(await release('p:1', 3, LEASE_MS)).toBe(false);
    expect(await acquire('p:1', 4)).toEqual(no);
  });
});

describe('redlock-query.lua', () => {
  it('tells the owner without the number, and for how long', async () => {
    const query = () => redis.eval(redlockScripts.query, [lock], []);
    expect(await query()).toBeNull();
    await acquire('p:1', 12);
    const holder = await query();
    expect(holder?.owner).toBe('p:1');
    expect(holder?.remainingMs).toBeGreaterThan(LEASE_MS / 2);
  });
});
