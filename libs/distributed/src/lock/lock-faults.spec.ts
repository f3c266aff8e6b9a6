/** Several processes' worth of locks on a real server, with the faults of a real network. */
import { describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { aborted, eventually, nextEvent } from '../../../../test/support/lock-signs.fixture.js';
import { useTwoLockNodes } from '../../../../test/support/two-lock-nodes.fixture.js';

/** Fencing tokens behind the holder's, for those who follow by hand-off: `localHandoffs`. */
const RESERVED = 16;

const on = useTwoLockNodes();

describe('two processes', () => {
  it('never work at the same time (mutations: acquire without check, release without compare)', async () => {
    // The protected resource is not in Redis, and says itself whether two were inside.
    const resource = { value: 0, inside: 0, overlaps: 0, fences: [] as number[] };
    const work = async ({ locks }: LockNode): Promise<void> => {
      for (let round = 0; round < 10; round++) {
        await locks.execute(
          'counter',
          async (lock) => {
            resource.fences.push(lock.fencingToken);
            if (++resource.inside > 1) resource.overlaps++;
            const read = resource.value;
            await new Promise((resolve) => setImmediate(resolve));
            resource.value = read + 1;
            resource.inside--;
          },
          { wait: '25s' },
        );
      }
    };
    await Promise.all(
      [on.far, on.near].flatMap((node) => Array.from({ length: 8 }, () => work(node))),
    );
    expect(resource).toMatchObject({ value: 160, overlaps: 0 });
    expect(resource.fences).toEqual([...new Set(resource.fences)].sort((a, b) => a - b));
  });

  it('hand a lock over by a message, well before the next poll', async () => {
    const lock = await on.far.locks.acquire('k');
    const waiting = on.near.locks.acquire('k');
    await eventually(() => on.near.redis.subscriberUp);
    const releasedAt = performance.now();
    await lock.release();
    const next = await waiting;
    expect(performance.now() - releasedAt).toBeLessThan(700);
    await next.release();
  });

  it('hear of a forced release', async () => {
    const lock = await on.far.locks.acquire('k', { lease: '60s' });
    await eventually(() => on.far.redis.subscriberUp);
    expect(await on.near.locks.forceRelease('k')).toBe(true);
    await aborted(lock.signal);
    expect(lock.loss).toMatchObject({ reason: 'revoked' });
  });
});

describe('a holder that vanishes', () => {
  it('is followed after its lease, and never before it knows (mutation: lease from the reply)', async () => {
    const dead = await on.far.locks.acquire('k', { lease: '700ms' });
    const since = performance.now();
    on.proxy.blackhole('both');
    const next = await on.near.locks.acquire('k');
    const knew = dead.signal.aborted || !dead.held;
    expect(knew).toBe(true);
    expect(performance.now() - since).toBeLessThan(2_500);
    expect(next.fencingToken).toBeGreaterThan(dead.fencingToken);
    // It comes back and releases late: not its lock any more.
    await on.proxy.heal();
    expect(await dead.release()).toBe('already-lost');
    await on.far.stop();
    expect((await on.near.locks.query('k'))?.fencingToken).toBe(next.fencingToken + RESERVED);
    await next.release();
  });
});

describe('a server that stands still', () => {
  it('does not keep callers waiting, and holds no orphan afterwards (mutation: no chase)', async () => {
    await on.server.freeze();
    const attempt = on.near.locks.tryAcquire('k', { lease: '20s' });
    await expect(attempt).rejects.toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    const cleaned = nextEvent('chase');
    await on.server.thaw();
    await cleaned;
    expect(await on.far.locks.query('k')).toBeNull();
  });
});

describe('a server that forgets', () => {
  it('makes the holder notice, and never gives an old fencing token again (mutation: INCR)', async () => {
    const lock = await on.near.locks.acquire('k', { lease: '600ms' });
    await on.far.redis.execute('flush', (client) => client.flushall());
    await aborted(lock.signal);
    expect(lock.loss).toMatchObject({ reason: 'revoked' });
    const next = await on.far.locks.acquire('k');
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    await next.release();
  });

  it('everything in a restart: the next acquisition works, with a larger token', async () => {
    const before = await on.near.locks.acquire('k', { lease: '60s' });
    await on.server.kill();
    await on.server.restart();
    const after = await on.far.locks.acquire('k');
    expect(after.fencingToken).toBeGreaterThan(before.fencingToken);
    await Promise.all([after.release(), before.release()]);
  });
});
