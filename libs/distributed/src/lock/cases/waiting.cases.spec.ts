/** Complaints about waiting: errors that hide their cause, lost wakes, spinning, queues that stop. */
import { describe, expect, it } from '@jest/globals';
import {
  scriptedLocks,
  ScriptedLockStore,
  watched,
} from '../../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, SequenceRandom } from '../../testing/fake-clock.js';
import { LockBackendError, LockWaitTimeoutError } from '../lock.errors.js';
import { LockService } from '../lock.service.js';
import type { AcquireReply } from '../lock.store.js';

/** Its holder lets go when a refusal is decided and has not arrived: between the two steps of a waiter. */
class GapStore extends ScriptedLockStore {
  /** Whether anybody hears of the release. */
  announced = true;

  override async acquire(
    ...command: Parameters<ScriptedLockStore['acquire']>
  ): Promise<AcquireReply> {
    const reply = await super.acquire(...command);
    const [{ key, owner }] = command;
    if (this.holders.get(key)?.owner !== 'other') return reply;
    this.vanish(key);
    if (this.announced) this.listener?.turn(owner);
    return reply;
  }
}

describe('who waits', () => {
  it('C1: a lock that is taken and a store that is down are different errors, both in the time of `wait` (mutation: one error for both)', async () => {
    const { clock, store, locks } = scriptedLocks({ commandTimeout: '1s' });
    const endOf = async (wait: number, withinMs: number): Promise<unknown> => {
      const waiting = watched(locks.execute('k', () => 'ran', { wait }));
      await clock.advance(withinMs);
      return waiting.error;
    };
    store.plant('k', 'other', 3_600_000);
    for (const wait of [300, 5_000, 60_000]) {
      const error = await endOf(wait, wait);
      expect(error).toBeInstanceOf(LockWaitTimeoutError);
      expect(error).toMatchObject({ code: 'E_LOCK_WAIT_TIMEOUT', executed: 'no' });
    }
    for (const fault of ['refused', 'hangs'] as const) {
      store.always = fault;
      // The command under way may still bring the lock: its own deadline is added.
      const error = await endOf(5_000, 5_000 + 1_000);
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error).toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    }
  });

  it('C14: a release between the refusal and the wait is not missed: 10 000 times, at the latest after 1.2 s (mutation: listen only after the refusal, wait for messages only)', async () => {
    const clock = new FakeClock();
    const store = new GapStore(clock);
    const locks = new LockService(store, clock, new SequenceRandom([0.1, 0.9, 0.5]), {});
    let [longestMs, longestToldMs] = [0, 0];
    for (let round = 0; round < 10_000; round++) {
      // Most messages arrive; when one is lost, the next look has to find the lock free.
      store.announced = round % 10 !== 0;
      store.plant('k', 'other', 3_600_000);
      const since = clock.now();
      const waiting = watched(locks.acquire('k', { wait: '10s' }));
      await clock.settle();
      while (waiting.state === 'pending') await clock.advance(clock.nextTimerAt! - clock.now());
      const waitedMs = clock.now() - since;
      longestMs = Math.max(longestMs, waitedMs);
      if (store.announced) longestToldMs = Math.max(longestToldMs, waitedMs);
      await waiting.value!.release();
    }
    expect(longestToldMs).toBe(0);
    expect(longestMs).toBeGreaterThan(0);
    expect(longestMs).toBeLessThanOrEqual(1_200);
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  }, 60_000);

  it('C16: 100 idle waiters send at most 2 commands a second, and need less than 2 % of a processor (mutations: every waiter polls, poll without a pause)', async () => {
    for (const fairness of ['process', 'strict'] as const) {
      const { clock, store, locks } = scriptedLocks();
      store.plant('k', 'other', 3_600_000);
      const waiters = Array.from({ length: 100 }, () =>
        watched(locks.acquire('k', { fairness, wait: '70s' })),
      );
      // Everybody looks once, and once more when reports begin: not what is counted here.
      await clock.advance(2_000);
      store.commands.length = 0;
      const before = process.cpuUsage();
      await clock.advance(60_000);
      const { user, system } = process.cpuUsage(before);
      expect(store.commands.length).toBeLessThanOrEqual(2 * 60);
      // Sixty seconds of the clock: what they cost is all work, no waiting.
      expect((user + system) / 1_000).toBeLessThan(0.02 * 60_000);
      await clock.advance(10_000);
      expect(waiters.every(({ state }) => state === 'rejected')).toBe(true);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('C28: the waiters of a process are served after its holder lost the lock (mutation: wait for a release that never comes)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const first = await locks.acquire('k', { lease: '1s' });
    const order: number[] = [];
    const others = [1, 2, 3].map((n) =>
      watched(locks.execute('k', () => void order.push(n), { lease: '1s' })),
    );
    await clock.settle();
    // Gone in the store. The holder never releases: its body hangs.
    store.vanish('k');
    await clock.advance(400);
    expect(first.loss).toMatchObject({ reason: 'revoked' });
    expect(order).toEqual([1, 2, 3]);
    expect(others.every(({ state }) => state === 'fulfilled')).toBe(true);
    expect(await first.release()).toBe('already-lost');
    expect(store.holders.size).toBe(0);
  });
});
