/** Permits in Redis: the scripts, against a real server. */
import { describe, expect, it } from '@jest/globals';
import { LEASE_MS, useRedisStore, within } from '../../../../test/support/redis-store.fixture.js';
import type { AcquireCommand, AcquireReply } from './lock.store.js';
import { RedisLockStore } from './redis-lock.store.js';

const on = useRedisStore();

const permitsKey = (): string => on.direct.keys.key('semaphore', 's');
const claim = (owner: string, limit = 2) => ({ key: 's', owner, limit });

const ask = (owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> =>
  on.ask(owner, { ...claim(owner), ...more });

const got = async (owner: string, more: Partial<AcquireCommand> = {}): Promise<boolean> =>
  (await ask(owner, more)).acquired;

const renewed = (owner: string, leaseMs: number): Promise<boolean> =>
  on.renewed(claim(owner), leaseMs);

/** Ends a lease as the server sees it, not as the spec waits. */
const expire = (owner: string): Promise<unknown> =>
  on.direct.execute('zadd', (client) => client.zadd(permitsKey(), 1, owner));

describe('acquire-permit', () => {
  it('grants so many, and says when the first of them ends', async () => {
    expect(await ask('p:1')).toEqual({ acquired: true, fencingToken: 0 });
    expect(await got('q:1', { leaseMs: 60_000 })).toBe(true);
    const reply = await ask('r:1');
    expect(reply).toEqual({ acquired: false, retryMs: expect.any(Number) });
    expect((reply as { retryMs: number }).retryMs).toBeGreaterThan(LEASE_MS - 2_000);
    expect((reply as { retryMs: number }).retryMs).toBeLessThanOrEqual(LEASE_MS);
  });

  it('leaves one key, which ends with the last permit', async () => {
    await ask('p:1', { leaseMs: 60_000 });
    await ask('q:1');
    expect(await on.direct.execute('keys', (client) => client.keys('*'))).toEqual([permitsKey()]);
    expect(await on.ttl(permitsKey())).toBeGreaterThan(50_000);
    await on.store.release(claim('p:1'), within);
    expect(await on.ttl(permitsKey())).toBeLessThanOrEqual(LEASE_MS);
  });

  it('has nothing to do with the lock of the same name', async () => {
    await ask('p:1', { limit: 1 });
    const lock = { key: 's', owner: 'q:1', leaseMs: LEASE_MS, fences: 1, queue: false };
    expect((await on.store.acquire(lock, within)).acquired).toBe(true);
  });

  it('executed twice after a lost reply is one permit (mutation: a new member per command)', async () => {
    await ask('warm-up');
    await on.store.release(claim('warm-up'), within);
    const dropped = on.proxy.droppedReplies;
    on.proxy.dropNextReply({ to: 'evalsha' });
    expect(await got('p:1')).toBe(true);
    expect(on.proxy.droppedReplies).toBe(dropped + 1);
    expect(await got('q:1')).toBe(true);
    expect(await got('r:1')).toBe(false);
  });

  it('gets a permit back whose lease is over, and that one alone (mutation: a TTL for the set)', async () => {
    await ask('dead:1');
    await ask('p:1');
    await expire('dead:1');
    expect(await got('q:1')).toBe(true);
    expect(await got('r:1')).toBe(false);
    expect(await renewed('dead:1', LEASE_MS)).toBe(false);
    expect(await on.store.release(claim('dead:1'), within)).toBe('absent');
    expect(await got('r:1')).toBe(false);
  });

  it('never shortens a lease', async () => {
    await ask('p:1', { leaseMs: 60_000 });
    await ask('p:1', { leaseMs: 1_000 });
    expect(await on.ttl(permitsKey())).toBeGreaterThan(50_000);
  });

  it('serves in order of arrival, whoever asks (mutation: ZCARD alone)', async () => {
    for (const owner of ['p:1', 'p:2']) await ask(owner);
    for (const owner of ['q:1', 'r:1']) expect(await got(owner, { queue: true })).toBe(false);
    await on.store.release(claim('p:1'), within);
    expect(await got('late:1')).toBe(false);
    expect(await got('r:1', { queue: true })).toBe(false);
    expect(await got('q:1', { queue: true })).toBe(true);
    await on.store.release(claim('p:2'), within);
    expect(await got('r:1', { queue: true })).toBe(true);
  });

  it('wakes the next waiter when two permits came free at once (mutation: wake at release only)', async () => {
    const turns: string[] = [];
    let arrived = (): void => {};
    const watching = new RedisLockStore(on.direct);
    const turn = (owner: string): void => {
      turns.push(owner);
      arrived();
    };
    await watching.watch('q', { turn, revoked: () => {}, resync: () => {} });
    for (const owner of ['p:1', 'p:2']) await ask(owner);
    for (const owner of ['q:1', 'q:2']) await ask(owner, { queue: true });
    await on.store.release(claim('p:1'), within);
    await on.store.release(claim('p:2'), within);
    expect(await got('q:1', { queue: true })).toBe(true);
    while (turns.length < 3) await new Promise<void>((resolve) => (arrived = resolve));
    expect(turns).toEqual(['q:1', 'q:1', 'q:2']);
    await watching.unwatch();
  });
});

describe('renew-permit', () => {
  it('makes the lease last at least as long as asked, never shorter', async () => {
    await ask('p:1');
    expect(await renewed('p:1', 60_000)).toBe(true);
    expect(await renewed('p:1', 1_000)).toBe(true);
    expect(await on.ttl(permitsKey())).toBeGreaterThan(50_000);
  });

  it('refuses everybody else (mutation: ZADD without looking)', async () => {
    await ask('p:1');
    expect(await renewed('q:1', LEASE_MS)).toBe(false);
    await on.direct.execute('del', (client) => client.del(permitsKey()));
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    expect(await on.ttl(permitsKey())).toBe(-2);
  });

  it('goes out with renewals of locks, each with its own result', async () => {
    await ask('p:1');
    const lock = { key: 'k', owner: 'p:2', leaseMs: LEASE_MS };
    await on.store.acquire({ ...lock, fences: 1, queue: false }, within);
    const gone = { ...lock, owner: 'p:3' };
    const results = await on.store.renew([gone, { ...claim('p:1'), leaseMs: 1 }, lock], within);
    expect(results.map((result) => (result as { value: boolean }).value)).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('release-permit', () => {
  it('gives back the own permit, once', async () => {
    await ask('p:1');
    expect(await on.store.release(claim('p:1'), within)).toBe('deleted');
    expect(await on.store.release(claim('p:1'), within)).toBe('absent');
    expect(await on.ttl(permitsKey())).toBe(-2);
  });

  it('keeps it taken, by nobody, when asked to', async () => {
    await ask('p:1', { limit: 1 });
    await on.store.release(claim('p:1', 1), { ...within, keepMs: 5_000 });
    expect(await got('q:1', { limit: 1 })).toBe(false);
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await on.ttl(permitsKey())).toBeLessThanOrEqual(5_000);
  });

  it('leaves the queue', async () => {
    await ask('p:1', { limit: 1 });
    await ask('q:1', { limit: 1, queue: true });
    await on.store.release(claim('q:1', 1), within);
    await on.store.release(claim('p:1', 1), within);
    expect(await got('r:1', { limit: 1 })).toBe(true);
  });
});
