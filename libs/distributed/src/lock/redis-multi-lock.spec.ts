/** Several locks in one step, on a real server: the script, its repetition, and what a fault leaves. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { LEASE_MS, useRedisStore, within } from '../../../../test/support/redis-store.fixture.js';
import { useTwoLockNodes } from '../../../../test/support/two-lock-nodes.fixture.js';
import type { AcquireCommand } from './lock.store.js';

describe('acquire-all.lua', () => {
  const fixture = useRedisStore();
  const command = (key: string, owner: string): AcquireCommand => {
    return { key, owner, leaseMs: LEASE_MS, fences: 3, queue: false };
  };
  const all = (owner: string, ...keys: string[]): Promise<readonly number[] | null> =>
    fixture.store.acquireAll(
      keys.map((key) => command(key, `${owner}:${key}`)),
      within,
    );
  const ownerOf = async (key: string): Promise<string | undefined> =>
    (await fixture.store.query(key, within))?.owner;

  it('takes all of them, with fencing tokens of their own', async () => {
    const before = await all('me', 'a', 'b');
    expect(before).toEqual([expect.any(Number), expect.any(Number)]);
    expect([await ownerOf('a'), await ownerOf('b')]).toEqual(['me:a', 'me:b']);
    await fixture.store.release({ key: 'b', owner: 'me:b' }, within);
    const next = await fixture.store.acquire(command('b', 'other:b'), within);
    expect(next.acquired && next.fencingToken).toBeGreaterThanOrEqual((before?.[1] ?? 0) + 3);
  });

  it('takes none when one is taken (mutation: stop at the first that is not free)', async () => {
    await fixture.store.acquire(command('b', 'other:b'), within);
    expect(await all('me', 'a', 'b', 'c')).toBeNull();
    expect([await ownerOf('a'), await ownerOf('c')]).toEqual([undefined, undefined]);
  });

  it('does not overtake whoever waits in front (mutation: look at the holder alone)', async () => {
    await fixture.store.acquire(command('b', 'other:b'), within);
    await fixture.store.acquire({ ...command('b', 'waiter:b'), queue: true }, within);
    await fixture.store.release({ key: 'b', owner: 'other:b' }, within);
    expect(await all('me', 'a', 'b')).toBeNull();
    expect(await ownerOf('a')).toBeUndefined();
  });

  it('sent twice, is one acquisition: same tokens, nothing shortened', async () => {
    const tokens = await all('me', 'a', 'b');
    await fixture.renewed({ key: 'a', owner: 'me:a' }, 2 * LEASE_MS);
    expect(await all('me', 'a', 'b')).toEqual(tokens);
    expect(await fixture.ttl(fixture.direct.keys.key('lock', 'a'))).toBeGreaterThan(LEASE_MS);
  });
});

describe('several keys on one server', () => {
  const nodes = useTwoLockNodes();
  const keys = [['order', 7], ['order', 9], ['stock']];
  let commands: () => Promise<number>;

  beforeEach(async () => {
    const { near } = nodes;
    await near.locks.execute(keys, () => 1); // scripts are known from now on
    const calls = async (): Promise<number> => {
      const text = await near.redis.execute('info', (client) => client.info('commandstats'));
      const found = [...text.matchAll(/cmdstat_evalsha:calls=(\d+)/g)];
      return Number(found[0]?.[1] ?? 0);
    };
    const before = await calls();
    commands = async () => (await calls()) - before;
  });

  it('cost one command to take', async () => {
    const lock = await nodes.near.locks.acquire(keys);
    expect(await commands()).toBe(1);
    expect(lock.members.every(({ fencingToken }) => fencingToken > 0)).toBe(true);
    expect(await nodes.far.locks.tryAcquire('stock')).toBeNull();
    expect(await lock.release()).toBe('released');
    expect(await commands()).toBe(1 + 1 + keys.length);
  });

  it('come one after the other, in line, when some are taken, and no update is lost', async () => {
    const { far, near } = nodes;
    const resource = { value: 0, inside: 0, overlaps: 0 };
    const work = async (locks: typeof near.locks, wanted: (string | number)[][]): Promise<void> => {
      for (let round = 0; round < 10; round++)
        await locks.execute(wanted, async () => {
          if (++resource.inside > 1) resource.overlaps++;
          const read = resource.value;
          await new Promise((resolve) => setImmediate(resolve));
          resource.value = read + 1;
          resource.inside--;
        });
    };
    await Promise.all([
      work(near.locks, keys),
      work(near.locks, [['stock'], ['order', 1]]),
      work(far.locks, [['stock'], ['order', 9]]),
      work(far.locks, keys.toReversed()),
    ]);
    expect(resource).toEqual({ value: 40, inside: 0, overlaps: 0 });
  });

  it('whose reply is lost are free again without waiting for the lease (mutation: no chase)', async () => {
    const { far, near, proxy } = nodes;
    await far.locks.execute('before', () => 1); // the next reply is that of the locks
    proxy.dropNextReply({ keepOpen: true, to: 'evalsha' });
    const startedAt = performance.now();
    const lock = await far.locks.acquire(keys, { wait: '9s', lease: '60s' });
    expect(performance.now() - startedAt).toBeLessThan(9_000);
    await lock.release();
    for (const key of keys) {
      const next = await near.locks.acquire(key, { wait: '5s' });
      await next.release();
    }
  });
});
