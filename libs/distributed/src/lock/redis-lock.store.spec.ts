/** The scripts and the store, against a real server. */
import { describe, expect, it } from '@jest/globals';
import {
  LEASE_MS,
  tokenOf,
  useRedisStore,
  within,
} from '../../../../test/support/redis-store.fixture.js';
import { lockScripts } from './redis-lock-commands.js';

const on = useRedisStore();

const acquired = (owner: string, leaseMs = LEASE_MS, fences = 1): Promise<number> =>
  tokenOf(on.ask(owner, { leaseMs, fences }));

const renewed = (owner: string, leaseMs: number): Promise<boolean> =>
  on.renewed({ key: 'k', owner }, leaseMs);

describe('acquire', () => {
  it('grants a free key with the lease as its TTL, in one command', async () => {
    await acquired('warm-up');
    await on.store.release({ key: 'k', owner: 'warm-up' }, within);
    const before = await scriptCalls();
    await acquired('a');
    expect((await scriptCalls()) - before).toBe(1);
    expect(await on.ttl()).toBeGreaterThan(LEASE_MS - 2_000);
  });

  it('refuses a key that is taken and says for how long', async () => {
    await acquired('a');
    const reply = await on.ask('b');
    expect(reply).toEqual({ acquired: false, retryMs: expect.any(Number) });
    expect((reply as { retryMs: number }).retryMs).toBeGreaterThan(LEASE_MS - 2_000);
  });

  it('finds its own token again: same fencing token (mutation: plain SET NX)', async () => {
    const first = await acquired('a');
    expect(await acquired('a')).toBe(first);
  });

  it('executed twice after a lost reply is one acquisition', async () => {
    await acquired('warm-up');
    await on.store.release({ key: 'k', owner: 'warm-up' }, within);
    const executions = await scriptCalls();
    on.proxy.dropNextReply({ to: 'evalsha' });
    const fencingToken = await acquired('a');
    expect(on.proxy.droppedReplies).toBe(1);
    expect((await scriptCalls()) - executions).toBe(2);
    expect(await on.store.query('k', within)).toMatchObject({ owner: 'a', fencingToken });
    expect(await on.store.release({ key: 'k', owner: 'a' }, within)).toBe('deleted');
    expect(await on.store.query('k', within)).toBeNull();
  });

  it('never shortens a lease (mutation: PEXPIRE without comparing)', async () => {
    await acquired('a');
    await renewed('a', 60_000);
    await acquired('a', 1_000);
    expect(await on.ttl()).toBeGreaterThan(50_000);
  });

  it('uses one slot for all its keys', async () => {
    await acquired('a');
    const keys = await on.direct.execute('keys', (client) => client.keys('*'));
    expect(keys.sort()).toEqual([on.lockKey, `${on.lockKey}:fence`]);
    expect(on.lockKey).toContain('{k}');
  });

  it('leaves nothing behind for ever', async () => {
    await acquired('a');
    const fence = await on.direct.execute('pttl', (client) => client.pttl(`${on.lockKey}:fence`));
    expect(fence).toBeGreaterThan(23 * 3_600_000);
  });
});

describe('fencing tokens', () => {
  it('grow with every acquisition of a key', async () => {
    const tokens: number[] = [];
    for (let round = 0; round < 20; round++) {
      tokens.push(await acquired(`owner-${round}`));
      await on.store.release({ key: 'k', owner: `owner-${round}` }, within);
    }
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  it('are exact integers', async () => {
    expect(Number.isSafeInteger(await acquired('a'))).toBe(true);
  });

  it('grow over FLUSHALL and over the expiry of the fence (mutation: INCR)', async () => {
    const first = await acquired('a');
    await on.direct.execute('flush', (client) => client.flushall());
    const second = await acquired('b');
    expect(second).toBeGreaterThan(first);
    await on.direct.execute('del', (client) => client.del(on.lockKey, `${on.lockKey}:fence`));
    expect(await acquired('c')).toBeGreaterThan(second);
  });

  it('grow when the server clock is behind the stored one (mutation: TIME alone)', async () => {
    const ahead = (Date.now() + 86_400_000) * 1_000;
    await on.direct.execute('set', (client) => client.set(`${on.lockKey}:fence`, String(ahead)));
    expect(await acquired('a')).toBe(ahead + 1);
  });
});

describe('renew', () => {
  it('makes the lease last at least as long as asked, never shorter', async () => {
    await acquired('a');
    expect(await renewed('a', 60_000)).toBe(true);
    expect(await on.ttl()).toBeGreaterThan(50_000);
    expect(await renewed('a', 1_000)).toBe(true);
    expect(await on.ttl()).toBeGreaterThan(50_000);
  });

  it('refuses everybody else, and does not re-create a key (mutation: SET instead of PEXPIRE)', async () => {
    await acquired('a');
    expect(await renewed('b', 60_000)).toBe(false);
    await on.direct.execute('del', (client) => client.del(on.lockKey));
    expect(await renewed('a', 60_000)).toBe(false);
    expect(await on.ttl()).toBe(-2);
  });
});

describe('release', () => {
  it('frees the own lock, once', async () => {
    await acquired('a');
    expect(await on.store.release({ key: 'k', owner: 'a' }, within)).toBe('deleted');
    expect(await on.store.release({ key: 'k', owner: 'a' }, within)).toBe('absent');
  });

  it('never frees the lock of a successor (mutation: plain DEL)', async () => {
    await acquired('a');
    await on.direct.execute('del', (client) => client.del(on.lockKey));
    await acquired('b');
    expect(await on.store.release({ key: 'k', owner: 'a' }, within)).toBe('absent');
    expect(await on.store.query('k', within)).toMatchObject({ owner: 'b' });
  });

  it('executed twice after a lost reply does not claim a loss (mutation: trust the second reply)', async () => {
    await acquired('a');
    await on.store.release({ key: 'k', owner: 'other' }, within);
    const dropped = on.proxy.droppedReplies;
    on.proxy.dropNextReply({ to: 'evalsha' });
    expect(await on.store.release({ key: 'k', owner: 'a' }, within)).toBe('unsure');
    expect(on.proxy.droppedReplies).toBe(dropped + 1);
    expect(await on.store.query('k', within)).toBeNull();
  });
});

describe('query', () => {
  it('tells who holds a key, and null when nobody does', async () => {
    expect(await on.store.query('k', within)).toBeNull();
    const fencingToken = await acquired('a');
    expect(await on.store.query('k', within)).toEqual({
      owner: 'a',
      fencingToken,
      remainingMs: expect.any(Number),
      waiters: 0,
    });
  });
});

describe('reserved tokens', () => {
  it('are nobody else’s, and the same when asked again', async () => {
    const first = await acquired('p:1', LEASE_MS, 17);
    expect(await acquired('p:1', LEASE_MS, 17)).toBe(first);
    await on.store.release({ key: 'k', owner: 'p:1' }, within);
    expect(await acquired('q:1')).toBeGreaterThanOrEqual(first + 17);
  });
});

describe('a lock that is kept after its release', () => {
  it('is taken for the rest of the time, by nobody (mutation: keep the owner)', async () => {
    await acquired('p:1');
    await on.store.release({ key: 'k', owner: 'p:1' }, { ...within, keepMs: 5_000 });
    expect((await on.ask('q:1')).acquired).toBe(false);
    expect(await renewed('p:1', 60_000)).toBe(false);
    expect(await on.ttl()).toBeLessThanOrEqual(5_000);
  });
});

describe('failures', () => {
  it('are E_LOCK_BACKEND and say whether the command may have been executed', async () => {
    await on.server.freeze();
    try {
      await expect(
        on.store.acquire(
          { key: 'k', owner: 'a', leaseMs: LEASE_MS, fences: 1, queue: false },
          { deadlineMs: 100 },
        ),
      ).rejects.toMatchObject({
        code: 'E_LOCK_BACKEND',
        executed: 'unknown',
      });
    } finally {
      await on.server.thaw();
    }
  });

  it('of a script are E_LOCK_BACKEND too', async () => {
    await on.direct.execute('hset', (client) => client.hset(on.lockKey, 'field', 'value'));
    await expect(acquired('a')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
  });

  it('of the script cache are none', async () => {
    await on.direct.execute('script flush', (client) => client.script('FLUSH'));
    expect(await acquired('a')).toBeGreaterThan(0);
  });
});

async function scriptCalls(): Promise<number> {
  const info = await on.direct.execute('info', (client) => client.info('commandstats'));
  return [...info.matchAll(/cmdstat_(evalsha|eval):calls=(\d+)/g)].reduce(
    (sum, [, , calls]) => sum + Number(calls),
    0,
  );
}

it('names every script after what it does', () => {
  expect(Object.values(lockScripts).map((script) => script.name)).toEqual(Object.keys(lockScripts));
});
