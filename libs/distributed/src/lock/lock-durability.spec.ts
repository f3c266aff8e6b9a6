/** Locks that wait for a replica, on a master whose replication is cut at will (C20). */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { RedisPair } from '../../../../test/support/redis-pair.fixture.js';
import { LockBackendError } from './lock.errors.js';
import type { LockModuleOptions } from './lock.options.js';

const DURABLE = { durability: { replicas: 1, timeout: '60ms' } } as const;
const SHORT = { replicas: { confirmed: 0, required: 1 }, executed: 'no', code: 'E_LOCK_BACKEND' };
/** Neither renewed in a spec nor over at its end. */
const LONG = { lease: '1m', renew: false } as const;

const aborted = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
};

describe('durability', () => {
  let pair: RedisPair;
  const nodes: LockNode[] = [];
  const node = async (options: LockModuleOptions = DURABLE): Promise<LockNode> => {
    const started = await LockNode.start(pair.master.url, { shutdownGrace: 0, ...options });
    nodes.push(started);
    return started;
  };
  const keyOf = (key: string): string => `distributed:lock:{${key}}`;

  beforeAll(async () => {
    pair = await RedisPair.start();
  });
  beforeEach(async () => {
    await pair.onMaster.flushall();
    await pair.join();
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((started) => started.stop()));
  });
  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });

  it('grants what the replica has', async () => {
    const { locks } = await node();
    const lock = await locks.acquire('k', LONG);
    expect(await pair.onReplica.get(keyOf('k'))).toBe(await pair.onMaster.get(keyOf('k')));
    expect(await lock.release()).toBe('released');
  });

  it.each([
    ['a lock', (on: LockNode) => on.locks.tryAcquire('k', LONG)],
    ['a shared lock', (on: LockNode) => on.locks.tryAcquire('k', { ...LONG, mode: 'shared' })],
    ['a permit', (on: LockNode) => on.locks.semaphore('k', { limit: 1 }).tryAcquire(LONG)],
  ])(
    'takes %s back that the replica does not have (mutation: no roll-back)',
    async (_, attempt) => {
      const one = await node();
      await pair.cut();
      const error: unknown = await attempt(one).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error).toMatchObject(SHORT);
      expect((error as Error).message).toMatch(/0 of 1 replicas confirmed the lock within 60 ms/);
      expect(await pair.onMaster.keys('*{k}')).toEqual([]);
      await pair.join();
      const again = await attempt(await node());
      expect(again?.held).toBe(true);
    },
  );

  it('lets waiters try again until their time is over', async () => {
    const { locks } = await node();
    await pair.cut();
    await expect(locks.acquire('k', { ...LONG, wait: '300ms' })).rejects.toMatchObject(SHORT);
    const waiting = locks.acquire('k', { ...LONG, wait: '10s' });
    await delay(100);
    await pair.join();
    expect((await waiting).held).toBe(true);
  });

  it('takes back what a hand-over got, and frees what it gave back', async () => {
    const { locks } = await node({ ...DURABLE, localHandoffs: 0 });
    const first = await locks.acquire('k', LONG);
    const next = locks.acquire('k', { ...LONG, wait: '10s' });
    await pair.cut();
    expect(await first.release()).toBe('pending');
    const holders = async () => [await pair.onMaster.get(keyOf('k')), await delay(1)][0];
    while (await holders()) continue;
    await pair.join();
    expect((await next).fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('C20: no failover grants again what was granted, whenever the stream is cut, 25 times; what was refused can be had afterwards (mutation: no WAIT)', async () => {
    const { locks } = await node();
    let granted = 0;
    for (let round = 0; round < 25; round++) {
      const key = `round-${round}`;
      const cutting = delay(round % 5).then(() => pair.cut());
      const attempt = locks.tryAcquire(key, LONG).catch(() => null);
      const [lock] = await Promise.all([attempt, cutting]);
      // What a promoted replica would know.
      if (lock) {
        granted++;
        expect(await pair.onReplica.exists(keyOf(key))).toBe(1);
      }
      await pair.join();
      if (!lock) expect((await locks.tryAcquire(key, LONG))?.held).toBe(true);
    }
    expect(granted).toBeGreaterThan(0);
  });

  it('is needed: without it the promoted replica grants the lock again', async () => {
    const { locks } = await node({});
    await pair.cut();
    const lock = await locks.acquire('k', LONG);
    expect(await pair.onReplica.exists(keyOf('k'))).toBe(0);
    expect(lock.held).toBe(true);
  });
});

describe('durable renewals', () => {
  let pair: RedisPair;
  let one: LockNode;

  beforeEach(async () => {
    pair = await RedisPair.start();
    one = await LockNode.start(pair.master.url, DURABLE);
  });
  afterEach(async () => {
    await one.stop();
    await pair[Symbol.asyncDispose]();
  });

  it('count when the replica has them: without it the lease ends (mutation: renewals without WAIT)', async () => {
    const lock = await one.locks.acquire('k', { lease: '500ms' });
    await pair.cut();
    const cutAt = performance.now();
    await aborted(lock.signal);
    expect(performance.now() - cutAt).toBeLessThan(700);
    expect(lock.loss).toMatchObject({ reason: 'expired' });
    await expect(lock.release()).resolves.toBe('already-lost');
  });

  it('survive a replica that is away for less than a lease', async () => {
    const lock = await one.locks.acquire('k', { lease: '2s' });
    for (let time = 0; time < 3; time++) {
      await pair.cut();
      await delay(300);
      await pair.join();
      await delay(500);
    }
    expect(lock.held).toBe(true);
    expect(await lock.release()).toBe('released');
  });

  it('never leave the replica less of a lease than the holder believes in', async () => {
    const lock = await one.locks.acquire('k', { lease: '400ms' });
    const until = performance.now() + 1_500;
    while (performance.now() < until) {
      const [believed, askedAt] = [lock.remaining, performance.now()];
      const known = await pair.onReplica.pttl('distributed:lock:{k}');
      const tookMs = performance.now() - askedAt;
      expect(known).toBeGreaterThanOrEqual(believed - tookMs - 25);
    }
    expect(await lock.release()).toBe('released');
  });

  it('and grants settle when Redis dies in WAIT', async () => {
    const lock = await one.locks.acquire('k', { lease: '800ms' });
    await pair.cut();
    const waiting = one.locks.tryAcquire('other').catch((error: unknown) => error);
    while (!(await pair.onMaster.exists('distributed:lock:{other}'))) await delay(1);
    await pair.master.kill();
    expect(await waiting).toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    await aborted(lock.signal);
    expect(await lock.release()).toBe('already-lost');
  });
});
