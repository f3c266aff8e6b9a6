/** Several processes' worth of locks on a real server, with the faults of a real network. */
import { describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { useTwoLockNodes } from '../../../../test/support/two-lock-nodes.fixture.js';
import { SystemClock } from '../time/index.js';
import { LOCK_CHANNELS } from './lock.events.js';

/** Fencing tokens behind the holder's, for those who follow by hand-off: `localHandoffs`. */
const RESERVED = 16;

const clock = new SystemClock();

const on = useTwoLockNodes();

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const nextEvent = (channel: string): Promise<void> =>
  new Promise((resolve) => {
    const listener = (): void => {
      unsubscribe(channel, listener);
      resolve();
    };
    subscribe(channel, listener);
  });

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
  it('does not keep the signal from aborting by the deadline (mutation: abort when renewals fail)', async () => {
    const sentAt = performance.now();
    const lock = await on.near.locks.acquire('k', { lease: '600ms' });
    await on.server.freeze();
    try {
      await aborted(lock.signal);
      // 600 ms less drift; the rest is what a busy machine needs to run a timer.
      expect(performance.now() - sentAt).toBeLessThan(850);
      expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: 'E_LOCK_LOST' }));
    } finally {
      await on.server.thaw();
    }
  });

  it('does not keep callers waiting, and holds no orphan afterwards (mutation: no chase)', async () => {
    await on.server.freeze();
    const attempt = on.near.locks.tryAcquire('k', { lease: '20s' });
    await expect(attempt).rejects.toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    const cleaned = nextEvent(LOCK_CHANNELS.chase);
    await on.server.thaw();
    await cleaned;
    expect(await on.far.locks.query('k')).toBeNull();
  });
});

describe('a network that loses', () => {
  it('the reply to an acquisition: executed twice, acquired once (mutation: no idempotence)', async () => {
    await (await on.far.locks.acquire('warm-up')).release();
    const dropped = on.proxy.droppedReplies;
    on.proxy.dropNextReply({ to: 'evalsha' });
    const lock = await on.far.locks.acquire('k');
    expect(on.proxy.droppedReplies).toBe(dropped + 1);
    expect((await on.near.locks.query('k'))?.fencingToken).toBe(lock.fencingToken + RESERVED);
    expect(await lock.release()).toBe('released');
    expect(await on.near.locks.query('k')).toBeNull();
  });

  it('the reply to a release: no false loss (mutation: trust the second reply)', async () => {
    await (await on.far.locks.acquire('warm-up')).release();
    const dropped = on.proxy.droppedReplies;
    const result = await on.far.locks.execute('k', () => {
      on.proxy.dropNextReply({ to: 'evalsha' });
      return 'done';
    });
    expect([result, on.proxy.droppedReplies]).toEqual(['done', dropped + 1]);
    expect(await on.near.locks.query('k')).toBeNull();
  });

  it('a connection for a while: renewals go on until one succeeds (mutation: stop at the first)', async () => {
    const lock = await on.far.locks.acquire('k', { lease: '3s' });
    on.proxy.refuse();
    on.proxy.resetAll();
    await nextEvent(LOCK_CHANNELS.renewFailed);
    await on.proxy.heal();
    const { owner } = (await on.near.locks.query('k'))!;
    const renewed = async (): Promise<boolean> => {
      const state = await on.near.locks.query('k');
      return state?.owner === owner && state.remainingMs > 2_500;
    };
    await eventually(renewed);
    expect(lock.held).toBe(true);
    await lock.release();
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

/** Looks until it is true: for states of the server that announce nothing. */
async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > until) throw new Error('it never became true');
    await clock.sleep(10);
  }
}
