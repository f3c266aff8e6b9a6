/**
 * Redlock while masters die, stand still, come back empty: nobody waits for them, nothing is left over.
 * Jest fails on any unhandled rejection.
 */
import { describe, expect, it } from '@jest/globals';
import { ask, eventually, useRedlock, within } from '../../../../test/support/redlock.fixture.js';
import { Redis } from 'ioredis';
import { RedisConnection } from '../redis/index.js';
import { FakeClock } from '../testing/index.js';
import { SystemClock, SystemRandom } from '../time/index.js';
import { LockService } from './lock.service.js';
import { RedlockNode } from './redlock-node.js';
import { redlockScripts } from './redlock-scripts.js';
import { RedlockStore } from './redlock.store.js';

const on = useRedlock();
const release = (store: RedlockStore, owner: string) => store.release({ key: 'k', owner }, within);

describe('masters that stand still', () => {
  // Mutation: only masters without a connection count as faults. Each refusal would take 5 s.
  it('delay nobody, once they are known', async () => {
    const [holder, store] = [on.open(), await on.connect({ nodeTimeout: '5s' })];
    await on.holdAll(holder, 'q:1');
    for (const { server } of on.masters.slice(0, 2)) await server.freeze();
    try {
      await on.masters[2]!.direct.flushall();
      // One vote, two refusals, two that say nothing: the first call may wait, as long as it likes.
      await eventually(async () => {
        const start = performance.now();
        expect(await ask(store, 'p:1')).toMatchObject({ acquired: false });
        return performance.now() - start < 1_000;
      });
    } finally {
      for (const { server } of on.masters.slice(0, 2)) await server.thaw();
    }
    await on.untilHeldBy('p:1', 0);
  });

  // A script that a server does not know costs a second round trip, which a release overtakes
  // (mutation: who has won forgets the votes that come later).
  it('that come late with a vote for a lock already released, get it back', async () => {
    const store = await on.connect({ nodeTimeout: '5s' });
    const { server, direct } = on.masters[0]!;
    await direct.script('FLUSH');
    await direct.script('LOAD', redlockScripts.release.source);
    await server.freeze();
    expect(await ask(store, 'p:1')).toMatchObject({ acquired: true });
    expect(await release(store, 'p:1')).toBe('deleted');
    await server.thaw();
    // Its text has arrived, so it was executed.
    const { sha } = redlockScripts.acquire;
    await eventually(async () => String(await direct.script('EXISTS', sha)) === '1');
    await on.untilHeldBy('p:1', 0);
  });

  // Mutation: what is taken back is numbered when its vote comes. A held lock would lose votes.
  it('that vote late in a lost election take nothing from the next one', async () => {
    const [holder, store] = [await on.connect(), await on.connect({ nodeTimeout: '5s' })];
    await on.holdAll(holder, 'q:1');
    const late = on.masters.slice(3);
    for (const { server, direct } of late) {
      await direct.flushall();
      await direct.config('RESETSTAT');
      await server.freeze();
    }
    expect(await ask(store, 'p:1')).toMatchObject({ acquired: false });
    expect(await release(holder, 'q:1')).toBe('deleted');
    expect(await ask(store, 'p:1')).toMatchObject({ acquired: true });
    for (const { server } of late) await server.thaw();
    for (const { direct } of late)
      await eventually(async () => {
        // Two votes, the release of the first, and that of the former holder.
        const [, calls] = /evalsha:calls=(\d+)/.exec(await direct.info('commandstats')) ?? [];
        return Number(calls) >= 4;
      });
    expect(await on.owners()).toEqual(Array.from({ length: 5 }, () => 'p:1'));
  });

  it('vote again when they move, and have kept nothing that was given up', async () => {
    const store = await on.connect({ nodeTimeout: 50 });
    const frozen = on.masters.slice(0, 3);
    for (const { server } of frozen) await server.freeze();
    await expect(ask(store, 'p:1')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    await expect(release(store, 'p:1')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    for (const { server } of frozen) await server.thaw();
    await eventually(async () => {
      const reply = await ask(store, 'p:2').catch(() => ({ acquired: false }));
      return reply.acquired;
    });
    await on.untilHeldBy('p:1', 0);
    expect(await release(store, 'p:2')).not.toBe('absent');
    await on.untilHeldBy('p:2', 0);
  });
});

describe('masters that die', () => {
  it('cost no lock while a majority lives, and get nothing back that was released meanwhile', async () => {
    const store = await on.connect();
    const locks = new LockService(store, new SystemClock(), new SystemRandom(), {});
    const lock = await locks.acquire('k', { lease: 1_000 });
    for (const { server } of on.masters.slice(0, 2)) await server.kill();
    await lock.extend();
    expect(lock.held).toBe(true);
    expect(await lock.release()).toBe('released');
    for (const { server } of on.masters.slice(0, 2)) await server.restart();
    await eventually(async () => (await locks.tryAcquire('k')) !== null);
  });

  it('and come back empty have no vote for the longest lease (mutation: they vote at once)', async () => {
    const [holder, thief] = [await on.connect(), await on.connect({ restartDelay: '2s' })];
    await on.holdAll(holder, 'p:1');
    for (const { server } of on.masters.slice(0, 3)) {
      await server.kill();
      await server.restart();
    }
    await eventually(async () => {
      const error: unknown = await ask(thief, 'q:1').catch((reason: unknown) => reason);
      return /restarted, it votes again in \d+ ms \(restartDelay\)/.test(String(error));
    });
    expect(await on.owners()).toEqual([null, null, null, 'p:1', 'p:1']);
    // Without the rule the three that forgot elect a second holder.
    const naive = on.open({ restartDelay: 0 });
    await eventually(async () => (await ask(naive, 'r:1')).acquired);
  });

  it('are recognised as restarted by who never met them before, by their age', async () => {
    const { server } = on.masters[0]!;
    await server.restart();
    const clock = new FakeClock();
    const connection = await RedisConnection.connect({ url: server.url });
    const node = new RedlockNode(connection, clock);
    const vote = () =>
      node.ask(redlockScripts.acquire, {
        keys: ['{k}', '{k}:wanted'],
        args: ['p:1', 1, 1_000, '', 0],
        deadlineMs: 1_000,
        restartDelayMs: 60_000,
      });
    expect(await vote()).toMatchObject({
      executed: 'no',
      fault: expect.stringContaining('60000 ms'),
    });
    await clock.advance(59_999);
    expect(await vote()).toMatchObject({ executed: 'no', fault: expect.stringContaining('1 ms') });
    await clock.advance(1);
    expect(await vote()).toMatchObject({ answer: { granted: true } });
    await node.close();
  });
});

describe('the end of an application', () => {
  it('leaves clients open that it was given', async () => {
    const clients = on.masters.map(({ server }) => new Redis(server.url));
    const store = new RedlockStore({ nodes: clients, restartDelay: 0 });
    await on.holdAll(store, 'p:1');
    await store.unwatch();
    expect(clients.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'ready'));
    for (const client of clients) client.disconnect();
  });

  it('ends its connections, and refuses what comes later', async () => {
    const store = await on.connect();
    const connections = () => on.masters.reduce((sum, { proxy }) => sum + proxy.connections, 0);
    const before = connections();
    await store.unwatch();
    await store.unwatch();
    await eventually(async () => connections() <= before - 5);
    await expect(ask(store, 'p:1')).rejects.toMatchObject({
      code: 'E_LOCK_BACKEND',
      executed: 'no',
    });
  });
});
