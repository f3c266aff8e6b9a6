/** Complaints about queues on a real server: the dead in front, subscriptions, messages that stop. */
import { describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { bareTimer, eventually } from '../../../../../test/support/lock-signs.fixture.js';
import { watched } from '../../../../../test/support/scripted-lock.store.fixture.js';
import { useTwoLockNodes } from '../../../../../test/support/two-lock-nodes.fixture.js';

const on = useTwoLockNodes();

/** How many stand in the queue of `k`. */
const waiters = async (): Promise<number> => (await on.near.locks.query('k'))?.waiters ?? 0;

describe('who stands in a queue', () => {
  it('C13: 50 waiters that are killed in front delay the next one by 3.5 s at most, all together (mutation: 3 s for each)', async () => {
    const strict = { fairness: 'strict', wait: '60s' } as const;
    const holder = await on.near.locks.acquire('k', { lease: '60s' });
    const dead: Promise<unknown>[] = [];
    for (let n = 1; n <= 50; n++) dead.push(on.far.locks.acquire('k', strict).catch(() => null));
    await eventually(async () => (await waiters()) === 50);
    const next = watched(on.near.locks.acquire('k', strict));
    await eventually(async () => (await waiters()) === 51);
    // As the server sees the end of a process: its connections are gone, and it never comes back.
    on.proxy.refuse();
    on.proxy.resetAll();
    const releasedAt = performance.now();
    await holder.release();
    const bare = bareTimer(3_500);
    const lock = await next.promise;
    const gotAt = performance.now();
    expect(gotAt).toBeLessThanOrEqual(Math.max(releasedAt + 3_500, await bare));
    await lock.release();
    await on.far.stop();
    await Promise.all(dead);
  });

  it('C15: 500 contended keys are one channel per process, and one SUBSCRIBE for life (mutation: subscribe to the key)', async () => {
    const keys = Array.from({ length: 500 }, (_, n) => ['order', n]);
    const channels = (): Promise<unknown[]> =>
      on.near.redis.execute(
        'channels',
        async (client) => (await client.call('PUBSUB', 'CHANNELS')) as unknown[],
      );
    const subscribes = (): Promise<number> =>
      on.near.redis.execute('stats', async (client) => {
        const calls = /cmdstat_subscribe:calls=(\d+)/.exec(await client.info('commandstats'));
        return Number(calls?.[1] ?? 0);
      });
    const before = await subscribes();
    for (let round = 0; round < 2; round++) {
      const held = await Promise.all(keys.map((key) => on.near.locks.acquire(key)));
      const waiting = keys.map((key) => on.far.locks.acquire(key, { wait: '20s' }));
      await eventually(async () => (await on.near.locks.query(['order', 499]))?.waiters === 1);
      await eventually(() => on.near.redis.subscriberUp && on.far.redis.subscriberUp);
      expect(await channels()).toHaveLength(2);
      await Promise.all(held.map((lock) => lock.release()));
      const next = await Promise.all(waiting);
      await Promise.all(next.map((lock) => lock.release()));
    }
    expect(await subscribes()).toBe(before + 2);
    expect(await channels()).toHaveLength(2);
  });

  it('C36: a subscriber that died in silence stops nobody: the next look comes within 1.2 s (mutation: wait for messages only)', async () => {
    await (await on.far.locks.acquire('warm-up')).release();
    await eventually(() => on.far.redis.subscriberUp);
    for (let round = 0; round < 3; round++) {
      const holder = await on.near.locks.acquire('k', { lease: '30s' });
      const waiting = on.far.locks.acquire('k', { wait: '20s' });
      await eventually(async () => (await waiters()) === 1);
      // Everything that was asked is answered now, and the next look is a second away: the message
      // of the release is the next to come back. Nothing follows it on that socket.
      await on.far.redis.execute('ping', (client) => client.ping());
      if (round === 0) on.proxy.dropNextReply({ keepOpen: true });
      const releasedAt = performance.now();
      await holder.release();
      const bare = bareTimer(1_100);
      const lock = await waiting;
      const gotAt = performance.now();
      // Not by the message.
      expect(gotAt - releasedAt).toBeGreaterThan(300);
      expect(gotAt - (await bare)).toBeLessThanOrEqual(100);
      expect(on.proxy.droppedReplies).toBe(1);
      expect(on.far.redis.subscriberUp).toBe(true);
      await lock.release();
    }
  });
});
