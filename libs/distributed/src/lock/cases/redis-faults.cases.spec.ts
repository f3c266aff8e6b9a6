/** Complaints about holders on a server or network that fails: crashes, late signals, lost replies. */
import { describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { LockNode } from '../../../../../test/support/lock-node.fixture.js';
import {
  aborted,
  bareTimer,
  eventually,
  nextEvent,
} from '../../../../../test/support/lock-signs.fixture.js';
import { nextRedisState } from '../../../../../test/support/redis-state.fixture.js';
import { useTwoLockNodes } from '../../../../../test/support/two-lock-nodes.fixture.js';
import { FakeClock } from '../../testing/fake-clock.js';
import type { Lock } from '../lock.js';

/** Fencing tokens behind the holder's, for those who follow by hand-off: `localHandoffs`. */
const RESERVED = 16;

const on = useTwoLockNodes();

const keyOf = (name: string): string => on.near.redis.keys.key('lock', name);
/** Milliseconds left of the lock `k`, as the server sees it; -2 when it is free. */
const ttl = (): Promise<number> =>
  on.near.redis.execute('pttl', (client) => client.pttl(keyOf('k')));

describe('who holds a lock', () => {
  // Of C4 and C5: a rejection that nobody has handled when a test ends is a failure of that test.

  it('C4: no fault leaves a rejection that nobody handles, also of renewals that come too late (mutation: renew without a catch)', async () => {
    const faults: [name: string, start: () => unknown, end: () => unknown][] = [
      ['a frozen server', () => on.server.freeze(), () => on.server.thaw()],
      ['a server that is gone', () => on.server.kill(), () => on.server.restart()],
      ['a dead path', () => on.proxy.blackhole('both'), () => on.proxy.heal()],
      ['a flush', () => on.near.redis.execute('flush', (client) => client.flushall()), () => {}],
    ];
    for (const [name, start, end] of faults) {
      const options = { lease: 300, name } as const;
      // Nobody watches their signals, and nobody awaits their renewals.
      const held = await Promise.all(
        Array.from({ length: 5 }, (_, n) => on.far.locks.acquire([name, n], options)),
      );
      await start();
      await eventually(() => held.every((lock) => !lock.held));
      // The extension of a lease that is over says so to its caller, and to nobody else.
      await expect(held[0]!.extend()).rejects.toMatchObject({ code: 'E_LOCK_LOST' });
      const attempt = on.far.locks.tryAcquire('k', options).then((lock) => lock?.release());
      const settled = Promise.allSettled([attempt, ...held.map((lock) => lock.release())]);
      await end();
      await settled;
      await eventually(() => on.far.redis.up && on.near.redis.up);
    }
  });

  it('C5: a server that is paused for longer than the command timeout ends no process: the signal aborts, and life goes on (mutation: renew without a catch)', async () => {
    const node = await LockNode.start(on.server.url, { commandTimeout: 100 });
    const lock = await node.locks.acquire('k', { lease: 600 });
    const failed = nextEvent('renewFailed');
    await on.near.redis.execute('pause', (client) => client.client('PAUSE', 1_000, 'ALL'));
    expect(await failed).toMatchObject({ key: 'k', error: { code: 'E_LOCK_BACKEND' } });
    await aborted(lock.signal);
    expect(lock.loss).toMatchObject({ reason: 'expired' });
    const next = await node.locks.acquire('k', { wait: '10s' });
    expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
    expect(await next.release()).toBe('released');
    await node.stop();
  });

  it('C6: with the server frozen every signal aborts within 20 ms of the deadline (mutation: abort when the renewal has failed)', async () => {
    const held = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        on.near.locks.acquire(['k', n], { lease: 500 + 20 * n }),
      ),
    );
    await on.server.freeze();
    try {
      const lateMs = await Promise.all(held.map(latenessOf));
      expect(Math.max(...lateMs)).toBeLessThanOrEqual(20);
      for (const lock of held) expect(lock.loss).toMatchObject({ reason: 'expired' });
    } finally {
      await on.server.thaw();
    }
  });

  it('C8: a lock that was deleted is lost, also when it is free again at the next renewal (mutation: a renewal that acquires)', async () => {
    const lock = await on.near.locks.acquire('k', { lease: 1_500 });
    await on.far.redis.execute('del', (client) => client.del(keyOf('k')));
    const other = await on.far.locks.acquire('k');
    expect(other.fencingToken).toBeGreaterThan(lock.fencingToken);
    await other.release();
    await aborted(lock.signal);
    expect(lock.loss).toMatchObject({ code: 'E_LOCK_LOST', reason: 'revoked' });
    expect(await on.far.locks.query('k')).toBeNull();
  });

  it('C9: the reply to the acquisition of a free lock is lost: it is had 250 ms after the reconnection, and not twice (mutation: a token per attempt)', async () => {
    await (await on.far.locks.acquire('warm-up')).release();
    const dropped = on.proxy.droppedReplies;
    let backAt = 0;
    const isBack = nextRedisState('commands', 'up').then(() => (backAt = performance.now()));
    on.proxy.dropNextReply({ to: 'evalsha' });
    const lock = await on.far.locks.acquire('k');
    const gotAt = performance.now();
    await isBack;
    expect(on.proxy.droppedReplies).toBe(dropped + 1);
    expect(gotAt - backAt).toBeLessThanOrEqual(250);
    expect((await on.near.locks.query('k'))?.fencingToken).toBe(lock.fencingToken + RESERVED);
    expect(await lock.release()).toBe('released');
    expect(await ttl()).toBe(-2);
  });

  it('C11: held for 20 leases over 20 lost connections, one of which stays away for a while (mutation: stop renewing at the first failure)', async () => {
    // The clock of the holder is moved by hand; connections, and the server, live in real time.
    const clock = new FakeClock();
    const node = await LockNode.start(on.proxy.url(), {}, clock);
    const lock = await node.locks.acquire('k', { lease: '30s' });
    const { owner } = (await on.near.locks.query('k'))!;
    const failed = nextEvent('renewFailed');
    for (let third = 0; third < 60; third++) {
      // What would be left of it in the server if that, too, had waited for a third of the lease.
      await on.near.redis.execute('age', (client) => client.pexpire(keyOf('k'), 20_000));
      if (third % 3 === 0) on.proxy.dropNextReply({ to: 'evalsha' });
      if (third === 31) {
        on.proxy.refuse();
        on.proxy.resetAll();
      }
      await clock.advance(10_000);
      if (third === 31) {
        await failed;
        await on.proxy.heal();
      }
      await eventually(async () => {
        // How long a reconnection takes is a matter of this machine, not of the lease.
        if (node.redis.up) await clock.advance(1);
        return (await ttl()) > 25_000 && lock.remaining > 25_000;
      });
    }
    expect(on.proxy.droppedReplies).toBeGreaterThanOrEqual(20);
    expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
    expect(await on.near.locks.query('k')).toMatchObject({ owner });
    expect(await lock.release()).toBe('released');
    await node.stop();
  });

  it('C22: scripts that are flushed all the time cost nobody an error, in pipelines neither (mutation: EVALSHA alone)', async () => {
    const held = await Promise.all(
      Array.from({ length: 20 }, (_, n) => on.far.locks.acquire(['held', n])),
    );
    let flushes = 0;
    const flushing = (async () => {
      for (; flushes < 50; flushes++) {
        await on.near.redis.execute('flush', (client) => client.script('FLUSH', 'SYNC'));
        // Between two flushes, each node gets to ask at least once.
        await on.far.redis.execute('ping', (client) => client.ping());
      }
    })();
    let sections = 0;
    const work = async ({ locks }: LockNode): Promise<void> => {
      while (flushes < 50) await locks.execute('k', () => void sections++, { wait: '25s' });
    };
    const renew = async (): Promise<void> => {
      const unknown = held.map(({ key }) => ({ key, owner: 'nobody', leaseMs: 1_000 }));
      const refused = unknown.map(() => ({ status: 'fulfilled', value: false }));
      while (flushes < 50) {
        await Promise.all(held.map((lock) => lock.extend()));
        // One pipeline, as the watchdog sends it.
        expect(await on.far.store.renew(unknown, { deadlineMs: 5_000 })).toEqual(refused);
      }
    };
    await Promise.all([flushing, renew(), ...[on.far, on.near, on.far, on.near].map(work)]);
    expect(sections).toBeGreaterThan(20);
    const ends = await Promise.all(held.map((lock) => lock.release()));
    expect(new Set(ends)).toEqual(new Set(['released']));
  });

  it('C25: a release the server does not answer rejects nothing, keeps nobody waiting, and is repeated until it is done (mutation: give up)', async () => {
    const node = await LockNode.start(on.server.url, { commandTimeout: 200 });
    const chased = nextEvent('chase');
    let releasedAt = 0;
    const result = await node.locks.execute(
      'k',
      async () => {
        await on.server.freeze();
        releasedAt = performance.now();
        return 'done';
      },
      { lease: '60s' },
    );
    const releaseMs = performance.now() - releasedAt;
    await on.server.thaw();
    expect(result).toBe('done');
    expect(releaseMs).toBeLessThan(200 + 300);
    expect(await chased).toMatchObject({
      key: 'k',
      outcome: expect.stringMatching(/deleted|absent/),
    });
    expect(await ttl()).toBe(-2);
    await node.stop();
  });

  it('C37: a release or an extension that is sent twice is no loss: the second one finds it done (mutation: trust the second reply)', async () => {
    await (await on.far.locks.acquire('warm-up')).release();
    const dropped = on.proxy.droppedReplies;
    const result = await on.far.locks.execute('k', async (lock) => {
      on.proxy.dropNextReply({ to: 'evalsha' });
      await lock.extend('40s');
      expect([lock.held, on.proxy.droppedReplies]).toEqual([true, dropped + 1]);
      on.proxy.dropNextReply({ to: 'evalsha' });
      return 'done';
    });
    expect([result, on.proxy.droppedReplies]).toEqual(['done', dropped + 2]);
    expect(await ttl()).toBe(-2);
    // Twice by the caller: the same answer, and the next holder is not disturbed.
    const lock = await on.far.locks.acquire('k');
    expect(await lock.release()).toBe('released');
    const next = await on.near.locks.acquire('k');
    expect(await lock.release()).toBe('released');
    expect(await on.near.locks.query('k')).not.toBeNull();
    expect(await next.release()).toBe('released');
  });
});

/** How long after its deadline a lock aborts, beyond what a bare timer needs. */
async function latenessOf(lock: Lock): Promise<number> {
  const leftMs = lock.remaining;
  const deadline = performance.now() + leftMs;
  const bare = bareTimer(leftMs);
  await aborted(lock.signal);
  const abortedAt = performance.now();
  return abortedAt - Math.max(deadline, await bare);
}
