/** Complaints about what stays behind: renewals without a holder, memory that grows. */
import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ScriptedLockStore,
  watched,
} from '../../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, SequenceRandom } from '../../testing/fake-clock.js';
import { MemoryLockStore } from '../../testing/memory-lock.store.js';
import { SystemClock, SystemRandom } from '../../time/index.js';
import { LockService } from '../lock.service.js';

describe('what stays behind', () => {
  it('C10: 10 000 locks, renewed, waited for, interrupted and released in the midst of it: no renewal, no key, no timer is left (mutation: a release that forgets the watchdog)', async () => {
    class SlowStore extends ScriptedLockStore {
      override async renew(
        ...command: Parameters<ScriptedLockStore['renew']>
      ): ReturnType<ScriptedLockStore['renew']> {
        const renewed = await super.renew(...command);
        await clock.sleep(10);
        return renewed;
      }
    }
    const clock = new FakeClock();
    const store = new SlowStore(clock);
    const locks = new LockService(store, clock, new SequenceRandom(), {});
    const keys = Array.from({ length: 100 }, (_, n) => n);
    for (let round = 0; round < 100; round++) {
      const held = await Promise.all(keys.map((n) => locks.acquire(['k', n], { lease: 300 })));
      const waiting = keys.map((n) => {
        const interrupt = new AbortController();
        const call = watched(locks.acquire(['k', n], { signal: interrupt.signal }));
        return { call, interrupt };
      });
      await clock.settle();
      // Renewals are sent at 100 and answered at 110, some of them never.
      const lost = keys.map((n) => (n % 7 === round % 7 ? ('reply-lost' as const) : undefined));
      store.faults.push(...lost);
      await clock.advance(105);
      expect(store.sent('renew')).toHaveLength(100);
      for (const { interrupt } of waiting) interrupt.abort();
      await Promise.all(held.map((lock) => lock.release()));
      store.commands.length = 0;
      await clock.advance(400);
      expect(store.sent('renew')).toEqual([]);
      expect(waiting.every(({ call }) => call.state === 'rejected')).toBe(true);
      expect([store.holders.size, clock.pendingTimers]).toEqual([0, 0]);
    }
    await clock.advance(600_000);
    expect(store.commands).toEqual([]);
  });

  it('C35: 30 000 sections under 30 000 keys leave the heap as it was (mutation: remember every key)', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const locks = new LockService(new MemoryLockStore(), new SystemClock(), new SystemRandom(), {});
    const heapAfter = async (from: number, count: number): Promise<number> => {
      for (let n = from; n < from + count; n++) await locks.execute(['user', n], () => n);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter(0, 10_000);
    const after = await heapAfter(10_000, 30_000);
    // Twenty bytes for each: less than the smallest object, let alone a key.
    expect(after - before).toBeLessThan(20 * 30_000);
  });
});
