/** Holding a lock: renewal, loss, release. Whatever happens, the body's own error comes first. */
import { describe, expect, it } from '@jest/globals';
import {
  scriptedLocks,
  ScriptedLockStore,
  watched,
} from '../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, SequenceRandom } from '../testing/fake-clock.js';
import { isDistributedError } from '../distributed.errors.js';
import type { LockLostError } from './lock.errors.js';
import { LockService } from './lock.service.js';

describe('a held lock', () => {
  it('lasts as long as it is renewed', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s' });
    await clock.advance(100_000);
    expect(lock.held).toBe(true);
    expect(store.sent('renew')).toHaveLength(100);
    expect(await lock.release()).toBe('released');
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  });

  it('survives failed renewals that are repeated in time (mutation: one failure is a loss)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s' });
    store.faults.push('refused', 'reply-lost', 'refused', 'refused');
    await clock.advance(10_000);
    expect(lock.held).toBe(true);
    await lock.release();
  });

  it('without renewal ends with its lease', async () => {
    const { clock, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s', renew: false });
    await clock.advance(2_967);
    expect(lock.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lock.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', reason: 'expired' });
  });

  it('aborts by its deadline although the store hangs (mutation: wait for the renewal)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s' });
    store.always = 'hangs';
    await clock.advance(2_968);
    expect(lock.signal.aborted).toBe(true);
    expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ reason: 'expired' }));
  });

  it('counts a renewal from before it was sent (mutation: count from the reply)', async () => {
    class SlowStore extends ScriptedLockStore {
      override async renew(
        ...command: Parameters<ScriptedLockStore['renew']>
      ): Promise<PromiseSettledResult<boolean>[]> {
        const renewed = await super.renew(...command);
        await clock.sleep(400);
        return renewed;
      }
    }
    const clock = new FakeClock();
    const locks = new LockService(new SlowStore(clock), clock, new SequenceRandom(), {});
    const lock = await locks.acquire('k', { lease: '1s', renew: false });
    const extended = lock.extend('5s');
    await clock.advance(400);
    await extended;
    expect(lock.remaining).toBe(5_000 - 50 - 2 - 400);
    await lock.release();
  });

  it('stays lost when a late renewal succeeds (mutation: revive)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '1s' });
    store.always = 'hangs';
    await clock.advance(1_000);
    store.always = undefined;
    store.plant('k', 'token-1', 10_000);
    await expect(lock.extend()).rejects.toMatchObject({ code: 'E_LOCK_LOST' });
    expect(lock.held).toBe(false);
  });

  it('is lost at the next renewal when somebody else has it', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s' });
    store.plant('k', 'thief', 60_000);
    await clock.advance(1_000);
    expect(lock.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', reason: 'revoked' });
    expect(await lock.release()).toBe('already-lost');
    expect(store.holders.get('k')?.owner).toBe('thief');
  });

  it('is lost at once when it is released by force', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k');
    expect(await locks.query('k')).toMatchObject({ fencingToken: lock.fencingToken });
    expect(await locks.forceRelease('k')).toBe(true);
    await clock.settle();
    expect(lock.signal.reason).toMatchObject({ reason: 'revoked' });
    expect([await locks.query('k'), await locks.forceRelease('k')]).toEqual([null, false]);
    expect(store.holders.size).toBe(0);
  });

  it('extends, and never shortens', async () => {
    const { clock, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '1s', renew: false });
    await lock.extend('60s');
    await lock.extend('2s');
    await clock.advance(50_000);
    expect(lock.held).toBe(true);
  });

  it('tells when an extension was not confirmed, and is still held', async () => {
    const { store, locks } = scriptedLocks();
    const lock = await locks.acquire('k');
    store.faults.push('refused');
    await expect(lock.extend('60s')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    expect(lock.held).toBe(true);
  });
});

describe('release', () => {
  it('happens once, however often it is called', async () => {
    const { store, locks } = scriptedLocks();
    const lock = await locks.acquire('k');
    const outcomes = await Promise.all([lock.release(), lock.release()]);
    expect([...outcomes, await lock.release()]).toEqual(['released', 'released', 'released']);
    expect(store.sent('release')).toHaveLength(1);
    expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ reason: 'released' }));
    expect(lock.signal.aborted).toBe(false);
  });

  it('is what disposal does', async () => {
    const { store, locks } = scriptedLocks();
    {
      await using lock = await locks.acquire('k');
      expect(lock.held).toBe(true);
    }
    expect(store.holders.size).toBe(0);
  });

  it('never rejects: a store that fails is asked again in the background (mutation: give up)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k');
    store.faults.push('refused', 'refused');
    expect(await lock.release()).toBe('pending');
    await clock.advance(100);
    expect(store.holders.size).toBe(0);
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  });

  it('that comes late does not free the lock of the successor', async () => {
    const { clock, store, locks } = scriptedLocks();
    const late = await locks.acquire('k', { lease: '1s', renew: false });
    await clock.advance(1_100);
    const next = await locks.acquire('k');
    expect(await late.release()).toBe('already-lost');
    await clock.settle();
    expect(store.holders.get('k')?.fencingToken).toBe(next.fencingToken);
    expect(next.held).toBe(true);
  });
});

describe('execute', () => {
  const failure = Object.freeze(new Error('out of stock'));

  it('returns the result and releases', async () => {
    const { store, locks } = scriptedLocks();
    expect(await locks.execute('k', () => 42)).toBe(42);
    expect(store.holders.size).toBe(0);
  });

  it("lets the body's own error through unchanged, and releases", async () => {
    const { store, locks } = scriptedLocks();
    const body = (): never => {
      throw failure;
    };
    await expect(locks.execute('k', body)).rejects.toBe(failure);
    expect(store.holders.size).toBe(0);
  });

  it("prefers the body's own error to a release that fails", async () => {
    const { store, locks } = scriptedLocks();
    const running = locks.execute('k', () => {
      store.always = 'refused';
      throw failure;
    });
    await expect(running).rejects.toBe(failure);
  });

  it.each([
    ['throw', true],
    ['abort', true],
    ['ignore', false],
  ] as const)("onLost '%s'", async (onLost, aborts) => {
    const { clock, store, locks } = scriptedLocks();
    let aborted: boolean | undefined;
    const body = async (signal: AbortSignal): Promise<string> => {
      await clock.sleep(20_000);
      aborted = signal.aborted;
      return 'done';
    };
    const running = watched(locks.execute('k', (lock) => body(lock.signal), { onLost }));
    await clock.settle();
    store.always = 'refused';
    await clock.advance(20_000);
    expect(aborted).toBe(aborts);
    if (onLost === 'throw') {
      expect(isDistributedError(running.error, 'E_LOCK_LOST')).toBe(true);
      expect((running.error as LockLostError).result).toBe('done');
      expect((running.error as LockLostError).reason).toBe('expired');
    } else expect(running.value).toBe('done');
  });

  it('reports a lock that was gone when it was released (mutation: ignore the reply of release)', async () => {
    const { store, locks } = scriptedLocks();
    const running = locks.execute('k', () => {
      store.holders.clear();
      return 'done';
    });
    await expect(running).rejects.toMatchObject({
      code: 'E_LOCK_LOST',
      reason: 'revoked',
      result: 'done',
    });
  });
});
