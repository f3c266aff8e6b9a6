/** Semaphores of several processes on a real server: the limit, judged from the resource. */
import { describe, expect, it } from '@jest/globals';
import { Crowd } from '../../../../test/support/crowd.fixture.js';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { useTwoLockNodes } from '../../../../test/support/two-lock-nodes.fixture.js';
import { MemoryLockStore } from '../testing/memory-lock.store.js';
import { SystemClock } from '../time/index.js';
import { currentLock, currentPermit } from './lock-scope.js';

const clock = new SystemClock();

const on = useTwoLockNodes();

/** On both connections: what was sent before on either has been answered then. */
const roundTrip = (): Promise<unknown> =>
  Promise.allSettled([on.far, on.near].map(({ locks }) => locks.query('nothing')));

describe('a semaphore', () => {
  it('lets so many work at a time, never more, on two processes', async () => {
    const resource = new Crowd(3, roundTrip);
    const work = async ({ locks }: LockNode): Promise<void> => {
      const semaphore = locks.semaphore('api', { limit: 3, wait: '25s' });
      for (let round = 0; round < 5; round++) await semaphore.execute(resource.visit);
    };
    await Promise.all(
      [on.far, on.near].flatMap((node) => Array.from({ length: 8 }, () => work(node))),
    );
    expect(resource).toMatchObject({ visits: 80, most: 3, inside: 0 });
  });

  it('is used up to its limit, and refuses the next', async () => {
    const semaphore = on.near.locks.semaphore('api', { limit: 2 });
    const [one, two] = [
      await semaphore.acquire(),
      await on.far.locks.semaphore('api', { limit: 2 }).acquire(),
    ];
    expect(await semaphore.tryAcquire()).toBeNull();
    await expect(semaphore.acquire({ wait: 50 })).rejects.toMatchObject({
      code: 'E_LOCK_WAIT_TIMEOUT',
    });
    await expect(semaphore.execute(() => 1, { ifLocked: 'throw' })).rejects.toMatchObject({
      code: 'E_LOCK_HELD',
    });
    expect(await semaphore.execute(() => 1, { ifLocked: 'skip' })).toBeUndefined();
    expect(one).toMatchObject({ fencingToken: 0, held: true });
    expect(await one.release()).toBe('released');
    expect(await semaphore.execute(() => 1, { ifLocked: 'skip' })).toBe(1);
    await two.release();
  });

  it('serves waiters of both processes in order of arrival', async () => {
    const permit = await on.near.locks.semaphore('api', { limit: 1 }).acquire();
    const order: string[] = [];
    const waiting: Promise<void>[] = [];
    for (const [index, node] of [on.far, on.near, on.far, on.near].entries()) {
      const semaphore = node.locks.semaphore('api', { limit: 1, wait: '20s' });
      waiting.push(semaphore.execute(() => void order.push(String(index))));
      const placed = async (): Promise<number> =>
        on.near.redis.execute('zcard', (client) =>
          client.zcard(`${on.near.redis.keys.key('semaphore', 'api')}:waiters`),
        );
      while ((await placed()) <= index) await clock.sleep(2);
    }
    await permit.release();
    await Promise.all(waiting);
    expect(order).toEqual(['0', '1', '2', '3']);
  });

  it('renews a permit for as long as it is held', async () => {
    const semaphore = on.near.locks.semaphore('api', { limit: 1, lease: '1s' });
    const permit = await semaphore.acquire();
    for (let look = 0; look < 6; look++) {
      await clock.sleep(300);
      expect(await on.far.locks.semaphore('api', { limit: 1 }).tryAcquire()).toBeNull();
    }
    expect(permit.held).toBe(true);
    expect(await permit.release()).toBe('released');
  });

  it('never exceeds its limit while connections die (mutation: acquire that is not idempotent)', async () => {
    const resource = new Crowd(1, roundTrip);
    let done = false;
    const work = async ({ locks }: LockNode): Promise<void> => {
      const semaphore = locks.semaphore('api', { limit: 2, lease: '2s', wait: '20s' });
      for (let round = 0; round < 6; round++)
        await semaphore.execute(resource.visit, { onLost: 'ignore' });
    };
    const faults = (async () => {
      while (!done) {
        await clock.sleep(25);
        on.proxy.resetAll();
      }
    })();
    await Promise.allSettled(
      [on.far, on.near].flatMap((node) => Array.from({ length: 5 }, () => work(node))),
    );
    done = true;
    await faults;
    expect(resource.most).toBeLessThanOrEqual(2);
    expect(resource.visits).toBeGreaterThanOrEqual(30);
  });
});

describe('sections with a permit', () => {
  it('use the permit of the call around them (mutation: wait for oneself)', async () => {
    const semaphore = on.near.locks.semaphore('api', { limit: 1, wait: 500 });
    const result = await semaphore.execute((outer) =>
      semaphore.execute((inner) => inner === outer && currentPermit() === outer),
    );
    expect(result).toBe(true);
  });

  it('are no section of the lock of that name', async () => {
    await on.near.locks.semaphore('api', { limit: 1 }).execute(async () => {
      expect(currentLock()).toBeUndefined();
      await on.near.locks.execute('api', (lock) => {
        expect(lock.fencingToken).toBeGreaterThan(0);
        expect(currentLock()).toBe(lock);
        expect(currentPermit()).not.toBe(lock);
      });
    });
  });
});

describe('options', () => {
  it('are checked where they are written', () => {
    const { locks } = on.near;
    for (const limit of [0, -1, 1.5, Number.NaN])
      expect(() => locks.semaphore('api', { limit })).toThrow(/limit/);
    expect(() => locks.semaphore('api', { limit: 1, fairness: 'strict' } as never)).toThrow(
      /fairness/,
    );
    expect(() => locks.semaphore('', { limit: 1 })).toThrow(
      expect.objectContaining({ code: 'E_KEY_INVALID' }),
    );
  });

  it('of a call win over those of the semaphore', async () => {
    const semaphore = on.near.locks.semaphore('api', { limit: 1, wait: '20s' });
    await using _permit = await semaphore.acquire();
    await expect(semaphore.acquire({ wait: 0 })).rejects.toMatchObject({
      code: 'E_LOCK_WAIT_TIMEOUT',
    });
  });
});

describe('the store in memory', () => {
  it('says that it has no permits and no shared locks, instead of handing out something else', async () => {
    const store = new MemoryLockStore();
    const asked = { key: 'k', owner: 'p:1', leaseMs: 1_000, fences: 1, queue: false };
    for (const kind of [{ limit: 2 }, { mode: 'shared' as const }])
      await expect(store.acquire({ ...asked, ...kind })).rejects.toMatchObject({
        code: 'E_LOCK_FEATURE',
        executed: 'no',
      });
  });
});
