/** Readers and writers in Redis: the scripts, against a real server. */
import { describe, expect, it } from '@jest/globals';
import {
  LEASE_MS,
  got,
  tokenOf,
  useRedisStore,
  within,
} from '../../../../test/support/redis-store.fixture.js';
import type { AcquireCommand, AcquireReply } from './lock.store.js';

const on = useRedisStore();

const reader = (owner: string) => ({ key: 'k', owner, mode: 'shared' as const });
const writer = (owner: string) => ({ key: 'k', owner });

const read = (owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> =>
  on.ask(owner, { ...reader(owner), queue: true, ...more });

const write = (owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> =>
  on.ask(owner, { queue: true, ...more });

const renewed = (owner: string, leaseMs: number): Promise<boolean> =>
  on.renewed(reader(owner), leaseMs);

/** Ends a lease as the server sees it, not as the spec waits. */
const expire = (owner: string): Promise<unknown> =>
  on.direct.execute('zadd', (client) => client.zadd(`${on.lockKey}:readers`, 1, `${owner}/shared`));

describe('acquire-shared', () => {
  it('lets readers in together, with one token; a writer before and after is told apart', async () => {
    const before = await tokenOf(write('w:1'));
    await on.store.release(writer('w:1'), within);
    const first = await tokenOf(read('p:1'));
    expect(first).toBeGreaterThan(before);
    expect(await tokenOf(read('q:1'))).toBe(first);
    expect(await got(write('w:2'))).toBe(false);
    await on.store.release(reader('p:1'), within);
    expect(await got(write('w:2'))).toBe(false);
    await on.store.release(reader('q:1'), within);
    expect(await tokenOf(write('w:2'))).toBeGreaterThan(first);
    expect(await got(read('p:2'))).toBe(false);
  });

  it('ends with the longest lease, and follows when that one leaves', async () => {
    await read('p:1', { leaseMs: 60_000 });
    await read('q:1');
    expect(await on.ttl()).toBeGreaterThan(50_000);
    await on.store.release(reader('p:1'), within);
    expect(await on.ttl()).toBeLessThanOrEqual(LEASE_MS);
    await on.store.release(reader('q:1'), within);
    expect(await on.ttl()).toBe(-2);
    const keys = await on.direct.execute('keys', (client) => client.keys('*'));
    expect(keys).toEqual([`${on.lockKey}:fence`]);
  });

  it('executed twice after a lost reply is one reader', async () => {
    await read('warm-up');
    await on.store.release(reader('warm-up'), within);
    const dropped = on.proxy.droppedReplies;
    on.proxy.dropNextReply({ to: 'evalsha' });
    expect(await got(read('p:1'))).toBe(true);
    expect(on.proxy.droppedReplies).toBe(dropped + 1);
    await on.store.release(reader('p:1'), within);
    expect(await got(write('w:1'))).toBe(true);
  });

  it('does not keep a dead reader alive with the living (C27; mutation: a TTL for all)', async () => {
    await read('dead:1', { leaseMs: 60_000 });
    await read('p:1');
    await expire('dead:1');
    expect(await renewed('p:1', LEASE_MS)).toBe(true);
    expect(await renewed('dead:1', LEASE_MS)).toBe(false);
    expect(await on.ttl()).toBeLessThanOrEqual(LEASE_MS);
    await on.store.release(reader('p:1'), within);
    expect(await got(write('w:1'))).toBe(true);
  });

  it('begins anew when the lock was deleted by somebody else', async () => {
    await read('p:1');
    await on.direct.execute('del', (client) => client.del(on.lockKey));
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    await read('q:1');
    expect(await renewed('p:1', LEASE_MS)).toBe(false);
    expect(await on.store.release(reader('p:1'), within)).toBe('absent');
    expect(await got(write('w:1'))).toBe(false);
  });
});

describe('renew-shared', () => {
  it('makes the lease last at least as long as asked, never shorter', async () => {
    await read('p:1');
    expect(await renewed('p:1', 60_000)).toBe(true);
    expect(await renewed('p:1', 1_000)).toBe(true);
    expect(await on.ttl()).toBeGreaterThan(50_000);
  });

  it('never prolongs the lease of a writer (mutation: PEXPIREAT blindly)', async () => {
    await read('p:1');
    await on.direct.execute('del', (client) => client.del(on.lockKey));
    await write('w:1', { leaseMs: 5_000 });
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await on.ttl()).toBeLessThanOrEqual(5_000);
  });
});

describe('renewals of all kinds in one call', () => {
  it('have their own answers, in the order they were asked (mutation: group by group)', async () => {
    const permit = { key: 's', owner: 'p:3', limit: 1 };
    await on.ask('p:1', { key: 'w' });
    await read('p:2');
    await on.ask('p:3', permit);
    const claims = [
      reader('p:2'),
      permit,
      reader('x:1'),
      { key: 'w', owner: 'p:1' },
      reader('p:2'),
    ];
    const commands = claims.map((claim) => ({ ...claim, leaseMs: LEASE_MS }));
    const results = await on.store.renew(commands, within);
    expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual([
      true,
      true,
      false,
      true,
      true,
    ]);
  });
});

describe('release-shared', () => {
  it('gives up the own share, once', async () => {
    await read('p:1');
    await read('q:1');
    expect(await on.store.release(reader('p:1'), within)).toBe('deleted');
    expect(await on.store.release(reader('p:1'), within)).toBe('absent');
    expect(await renewed('q:1', LEASE_MS)).toBe(true);
  });

  it('keeps the lock taken, by nobody, when asked to', async () => {
    await read('p:1');
    await on.store.release(reader('p:1'), { ...within, keepMs: 5_000 });
    expect(await got(write('w:1'))).toBe(false);
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await on.ttl()).toBeLessThanOrEqual(5_000);
  });
});

describe('a writer that nobody disturbs', () => {
  it('needs no more than before: the same commands inside the scripts', async () => {
    const inside = async (): Promise<Record<string, number>> => {
      const info = await on.direct.execute('info', (client) => client.info('commandstats'));
      return Object.fromEntries(
        [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [
          name,
          Number(calls),
        ]),
      );
    };
    await write('warm-up');
    await on.store.release(writer('warm-up'), within);
    const before = await inside();
    await write('w:1');
    await on.store.release(writer('w:1'), within);
    const after = await inside();
    const counts = ['get', 'exists', 'set', 'time', 'del', 'zrange', 'hdel', 'zadd', 'publish'].map(
      (name) => [name, (after[name] ?? 0) - (before[name] ?? 0)],
    );
    expect(Object.fromEntries(counts)).toEqual({
      get: 2,
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
