/** Complaints about losing a lock: errors that are swallowed, silence, work that goes on for ever. */
import { describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import {
  aborted,
  eventsDuring,
  nextEvent,
} from '../../../../../test/support/lock-signs.fixture.js';
import {
  scriptedLocks,
  ScriptedLockStore,
  watched,
} from '../../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, SequenceRandom } from '../../testing/fake-clock.js';
import { MemoryLockStore } from '../../testing/memory-lock.store.js';
import { SystemClock, SystemRandom } from '../../time/index.js';
import { LockService } from '../lock.service.js';
import type { AcquireReply } from '../lock.store.js';

describe('who loses a lock', () => {
  it("C2: the body's own error and result survive a lost lock, at once; the loss is told beside them (mutation: report the loss instead)", async () => {
    const { clock, store, locks } = scriptedLocks();
    const failure = Object.freeze(new TypeError('out of stock'));
    let endedAt = 0;
    const run = async (end: () => string, onLost: 'throw' | 'abort'): Promise<unknown> => {
      store.always = undefined;
      const running = watched(
        locks.execute(
          'k',
          async () => {
            await clock.sleep(20_000);
            endedAt = clock.now();
            return end();
          },
          { onLost, name: 'sale' },
        ),
      );
      await clock.settle();
      store.always = 'hangs';
      await clock.advance(20_000);
      // The store still hangs: nobody waits for it in order to give up a lock that is lost.
      expect(clock.now()).toBe(endedAt);
      expect(running.state).not.toBe('pending');
      return running.error ?? running.value;
    };
    const fail = (): never => {
      throw failure;
    };
    const losses = await eventsDuring('lost', async () => {
      expect(await run(fail, 'throw')).toBe(failure);
      expect(await run(() => 'sold', 'abort')).toBe('sold');
      expect(await run(() => 'sold', 'throw')).toMatchObject({
        code: 'E_LOCK_LOST',
        reason: 'expired',
        result: 'sold',
      });
    });
    expect(losses.map(({ name, reason }) => [name, reason])).toEqual(
      Array.from({ length: 3 }, () => ['sale', 'expired']),
    );
  });

  it('C3: a lock whose grant arrives when its lease is over is refused, and does not stay in the store (mutation: no look at the clock after the reply)', async () => {
    class SlowStore extends ScriptedLockStore {
      override async acquire(
        ...command: Parameters<ScriptedLockStore['acquire']>
      ): Promise<AcquireReply> {
        // Slow on the way there: the lease in the store begins when the local one is about to end.
        await clock.sleep(command[0].leaseMs - 1);
        return await super.acquire(...command);
      }
    }
    const clock = new FakeClock();
    const store = new SlowStore(clock);
    const locks = new LockService(store, clock, new SequenceRandom(), {});
    const attempt = watched(locks.tryAcquire('k', { lease: '1s' }));
    await clock.advance(998);
    expect(attempt.state).toBe('pending');
    await clock.advance(1);
    expect(attempt.error).toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    expect([store.sent('acquire').length, store.holders.size]).toEqual([1, 0]);
  });

  it('C7: straight after a blocked event loop the lock is known to be lost (mutation: trust the timer)', async () => {
    const locks = new LockService(new MemoryLockStore(), new SystemClock(), new SystemRandom(), {});
    const lock = await locks.acquire('k', { lease: 300 });
    expect(lock.held).toBe(true);
    const until = performance.now() + 600;
    while (performance.now() < until);
    // No turn of the event loop has passed since: no timer could have fired.
    expect(() => lock.assertHeld()).toThrow(
      expect.objectContaining({ code: 'E_LOCK_LOST', reason: 'expired' }),
    );
    expect([lock.held, lock.remaining, lock.signal.aborted]).toEqual([false, 0, true]);
    expect(await lock.release()).toBe('already-lost');
  });

  it('C12: renewals that fail are told one by one, the loss once, and the signal aborts in that moment (mutation: renew in silence)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '3s', name: 'job' });
    store.always = 'refused';
    const lost = nextEvent('lost').then((event) => ({ ...event, aborted: lock.signal.aborted }));
    const losses = await eventsDuring('lost', async () => {
      const failures = await eventsDuring('renewFailed', () => clock.advance(3_000));
      expect(failures.length).toBeGreaterThanOrEqual(3);
      const left = failures.map(({ remainingMs }) => remainingMs);
      expect(left).toEqual([...left].sort((a, b) => b - a));
      for (const failure of failures)
        expect(failure).toMatchObject({ name: 'job', key: 'k', error: { code: 'E_LOCK_BACKEND' } });
      await aborted(lock.signal);
    });
    const { fencingToken } = lock;
    expect(losses).toEqual([{ name: 'job', key: 'k', reason: 'expired', fencingToken }]);
    expect(await lost).toMatchObject({ aborted: true });
    expect(lock.signal.reason).toBe(lock.loss);
    await lock.release();
  });

  it('C24: work that hangs is cut off by `maxHold`, and its lock is no longer renewed (mutation: renew for ever)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '1s', maxHold: '10s' });
    await clock.advance(9_999);
    expect(lock.held).toBe(true);
    await clock.advance(1);
    expect(lock.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', reason: 'max-hold' });
    const renewals = store.sent('renew').length;
    await clock.advance(1_000);
    expect(store.sent('renew')).toHaveLength(renewals);
    expect(await locks.tryAcquire('k')).not.toBeNull();
  });
});
