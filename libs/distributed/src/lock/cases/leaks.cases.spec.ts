/** Complaints about what stays behind: renewals without a holder, memory that grows. */
import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { scriptedLocks, watched } from '../../../../../test/support/scripted-lock.store.fixture.js';
import { MemoryLockStore } from '../../testing/memory-lock.store.js';
import { SystemClock, SystemRandom } from '../../time/index.js';
import { LockService } from '../lock.service.js';

describe('what stays behind', () => {
  it('C10: 10 000 locks, renewed, waited for, interrupted and released in the midst of it: no renewal, no key, no timer is left (mutation: a release that forgets the watchdog)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const keys = Array.from({ length: 100 }, (_, n) => n);
    for (let round = 0; round < 100; round++) {
      const held = await Promise.all(keys.map((n) => locks.acquire(['k', n], { lease: 300 })));
      const interrupt = new AbortController();
      const { signal } = interrupt;
      const waiting = keys.slice(0, 9).map((n) => watched(locks.acquire(['k', n], { signal })));
      // Renewals go out at 100; some of the replies are lost. The releases overtake them.
      store.faults.push(
        ...keys.map((n) => (n % 7 === round % 7 ? ('reply-lost' as const) : undefined)),
      );
      const moved = clock.advance(100);
      interrupt.abort();
      const released = held.map((lock) => lock.release());
      await moved;
      await Promise.all(released);
      expect(waiting.every(({ state }) => state === 'rejected')).toBe(true);
      store.faults.length = 0;
      await clock.advance(300);
    }
    expect([store.holders.size, clock.pendingTimers]).toEqual([0, 0]);
    const sent = store.commands.length;
    await clock.advance(600_000);
    expect(store.commands).toHaveLength(sent);
  });

  it('C35: 50 000 sections under 50 000 keys leave the heap as it was (mutation: remember every key)', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const locks = new LockService(new MemoryLockStore(), new SystemClock(), new SystemRandom(), {});
    const heapAfter = async (from: number, count: number): Promise<number> => {
      for (let n = from; n < from + count; n++) await locks.execute(['user', n], () => n);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter(0, 10_000);
    const after = await heapAfter(10_000, 50_000);
    // Twenty bytes for each: less than the smallest object, let alone a key.
    expect(after - before).toBeLessThan(20 * 50_000);
  });
});
