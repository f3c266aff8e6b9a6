/** Redlock on five masters: who gets the lock, and what is left where nobody got it. */
import { describe, expect, it } from '@jest/globals';
import { ask, LEASE_MS, useRedlock, within } from '../../../../test/support/redlock.fixture.js';
import { SystemClock, SystemRandom } from '../time/index.js';
import { fencedRedis } from './fenced-redis.js';
import { fencedSql } from './fenced-sql.js';
import type { LockModuleOptions } from './lock.options.js';
import { LockService } from './lock.service.js';
import type { RedlockStore } from './redlock.store.js';

const on = useRedlock();
const serve = (store: RedlockStore, options: LockModuleOptions = {}): LockService =>
  new LockService(store, new SystemClock(), new SystemRandom(), options);

describe('an acquisition', () => {
  it('takes the vote of every master, and a release gives all of them back', async () => {
    const store = await on.connect();
    expect(await ask(store, 'p:1')).toEqual({ acquired: true, fencingToken: 0 });
    await on.untilHeldBy('p:1', 5);
    expect(await store.release({ key: 'k', owner: 'p:1' }, within)).toBe('deleted');
    await on.untilHeldBy('p:1', 0);
  });

  it('is granted by three while one is far away and one is dead', async () => {
    const store = await on.connect({ nodeTimeout: '5s' });
    await on.masters[0]!.server.kill();
    on.masters[1]!.proxy.blackhole('both');
    // Would wait for the far one for 5 s (mutation: the slowest master decides, as in redis-semaphore).
    const start = performance.now();
    expect((await ask(store, 'p:1')).acquired).toBe(true);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  // C3 (mutation: the quorum alone counts).
  it('that took longer than its lease is no acquisition, and leaves nothing behind', async () => {
    const store = await on.connect({ nodeTimeout: '2s' });
    for (const { proxy } of on.masters.slice(0, 3)) proxy.latency(200);
    await expect(ask(store, 'p:1', { leaseMs: 150 })).rejects.toMatchObject({
      code: 'E_LOCK_BACKEND',
      message: expect.stringContaining('not before the end of the lease'),
      executed: 'no',
    });
    for (const { proxy } of on.masters) proxy.latency(0);
    await on.untilHeldBy('p:1', 0);
    expect((await ask(on.open(), 'q:1')).acquired).toBe(true);
  });

  it('without a majority gives back what it got (mutation: votes of a lost election stay)', async () => {
    const [one, two] = [on.open(), await on.connect()];
    await on.holdAll(one, 'p:1');
    // Two masters forget: the other one's election gets them, and loses.
    for (const { direct } of on.masters.slice(3)) await direct.flushall();
    expect(await ask(two, 'q:1')).toMatchObject({ acquired: false });
    await on.untilHeldBy('q:1', 0);
    expect(await one.query('k', within)).toMatchObject({
      owner: 'p:1',
      fencingToken: 0,
      waiters: 0,
    });
  });

  // Mutation: only masters that said yes in time are asked to forget.
  it('takes back votes whose answers never came', async () => {
    const store = await on.connect({ nodeTimeout: 50 });
    for (const { proxy } of on.masters.slice(0, 3)) proxy.blackhole('down');
    await expect(ask(store, 'p:1')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    expect((await on.owners()).filter((owner) => owner === 'p:1').length).toBeGreaterThan(0);
    for (const { proxy } of on.masters) await proxy.heal();
    for (const { proxy } of on.masters) proxy.resetAll();
    await on.untilHeldBy('p:1', 0);
  });

  it('says which masters are missing', async () => {
    const store = await on.connect();
    await Promise.all(on.masters.slice(0, 3).map(({ server }) => server.kill()));
    await expect(ask(store, 'p:1')).rejects.toThrow(
      /[0-2] of 5 masters answered, 3 are needed \(127\.0\.0\.1:\d+: .+; .+; .+\)/,
    );
  });
});

describe('a renewal', () => {
  const claim = { key: 'k', owner: 'p:1', leaseMs: LEASE_MS };

  it('needs a majority of masters where the lock still stands, and plants it nowhere', async () => {
    const store = on.open();
    await on.holdAll(store, 'p:1');
    for (const { direct } of on.masters.slice(0, 2)) await direct.flushall();
    expect(await store.renew([claim], within)).toEqual([{ status: 'fulfilled', value: true }]);
    expect(await on.owners()).toEqual([null, null, 'p:1', 'p:1', 'p:1']);
    await on.masters[2]!.direct.flushall();
    expect(await store.renew([claim], within)).toEqual([{ status: 'fulfilled', value: false }]);
  });

  it('that a minority answers is neither yes nor no', async () => {
    const store = on.open({ nodeTimeout: 50 });
    await on.holdAll(store, 'p:1');
    for (const { proxy } of on.masters.slice(0, 3)) proxy.blackhole('both');
    expect(await store.renew([claim], within)).toMatchObject([
      { status: 'rejected', reason: { code: 'E_LOCK_BACKEND', executed: 'unknown' } },
    ]);
  });
});

describe('what a majority cannot promise is refused', () => {
  const cannot = { code: 'E_LOCK_FEATURE', executed: 'no' };

  // redis-semaphore counts a quorum of permits: three holders of two.
  it('semaphores', async () => {
    const locks = serve(on.open());
    const permit = locks.semaphore('api', { limit: 2 }).acquire();
    await expect(permit).rejects.toMatchObject(cannot);
    await expect(locks.semaphore('api', { limit: 2 }).tryAcquire()).rejects.toThrow(
      'three holders',
    );
  });

  it('shared locks', async () => {
    const locks = serve(on.open());
    await expect(locks.acquire('k', { mode: 'shared' })).rejects.toMatchObject(cannot);
    await expect(locks.tryAcquire('k', { mode: 'shared' })).rejects.toMatchObject(cannot);
  });

  it('order of arrival', async () => {
    const locks = serve(on.open());
    await expect(locks.acquire('k', { fairness: 'strict' })).rejects.toMatchObject(cannot);
    expect(await on.owners()).toEqual([null, null, null, null, null]);
  });

  it('fences, also for holders the lock was passed to inside the process', async () => {
    const locks = serve(on.open());
    const tokens: number[] = [];
    const run = () => locks.execute('k', async (lock) => void tokens.push(lock.fencingToken));
    await Promise.all(Array.from({ length: 40 }, run));
    expect(tokens).toEqual(Array.from({ length: 40 }, () => 0));
    await using lock = await locks.acquire('k');
    for (const fence of [fencedSql, fencedRedis])
      expect(() => fence(lock)).toThrow(expect.objectContaining({ code: 'E_LOCK_UNFENCED' }));
  });
});

describe('locks', () => {
  it('exclude across processes', async () => {
    const services = [serve(on.open()), serve(on.open()), serve(on.open())];
    let inside = 0;
    let most = 0;
    const visit = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await on.masters[0]!.direct.ping();
      inside--;
    };
    const all = services.flatMap((locks) =>
      Array.from({ length: 20 }, () => locks.execute('k', visit, { wait: '30s' })),
    );
    await Promise.all(all);
    expect(most).toBe(1);
    await on.untilHeldBy('nobody', 0);
  }, 40_000);

  // Mutation: a hand-over takes the lock again whoever waits.
  it('reach other processes although waiters of one never run out', async () => {
    const [busy, other] = [serve(on.open()), serve(on.open())];
    let isOver = false;
    const loop = async (): Promise<void> => {
      while (!isOver) await busy.execute('k', () => on.masters[0]!.direct.ping(), { wait: '30s' });
    };
    const loops = Array.from({ length: 8 }, loop);
    await expect(other.execute('k', async () => 'in', { wait: '20s' })).resolves.toBe('in');
    isOver = true;
    await Promise.all(loops);
  }, 40_000);

  it('of several keys are all got, or none', async () => {
    const [one, two] = [serve(on.open()), serve(on.open())];
    const both = [['a'], ['b']];
    const lock = await one.acquire('b');
    expect(await two.tryAcquire(both)).toBeNull();
    const waiting = two.execute(both, async ({ members }) => members?.length, { wait: '20s' });
    await lock.release();
    expect(await waiting).toBe(2);
    expect(await two.query('a')).toBeNull();
  });

  it('can be taken away by force: the holder learns it at its next renewal', async () => {
    const [one, two] = [serve(on.open()), serve(on.open())];
    const lock = await one.acquire('k', { lease: 600 });
    expect(await two.query('k')).toMatchObject({ fencingToken: 0, waiters: 0 });
    expect(await two.forceRelease('k')).toBe(true);
    expect(await two.query('k')).toBeNull();
    await new Promise((resolve) => lock.signal.addEventListener('abort', resolve));
    expect(lock.loss?.reason).toBe('revoked');
    expect(await two.forceRelease('k')).toBe(false);
  });
});
