import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FakeClock } from '../testing/index.js';
import { Bulkhead } from './bulkhead.js';
import { BulkheadFullError } from './resilience.errors.js';

const make = (maxConcurrent: number, maxQueue: number, maxWaitMs?: number) => {
  const clock = new FakeClock();
  const settings = { maxConcurrent, maxQueue, maxWaitMs };
  return { clock, bulkhead: new Bulkhead('p', settings, clock) };
};

describe('Bulkhead', () => {
  it('refuses at once without a queue', () => {
    const { bulkhead } = make(1, 0);
    expect(bulkhead.tryEnter()).toBe(true);
    expect(bulkhead.tryEnter()).toBe(false);
    expect(() => bulkhead.wait()).toThrow(BulkheadFullError);
  });

  it('hands the slot to the longest waiter; a newcomer cannot overtake', async () => {
    const { bulkhead } = make(1, 2);
    bulkhead.tryEnter();
    const order: string[] = [];
    const first = bulkhead.wait().entered.then(() => order.push('first'));
    const second = bulkhead.wait().entered.then(() => order.push('second'));
    bulkhead.leave();
    expect(bulkhead.tryEnter()).toBe(false);
    await first;
    bulkhead.leave();
    await second;
    expect(order).toEqual(['first', 'second']);
    expect(bulkhead.snapshot()).toEqual({ maxConcurrent: 1, inUse: 1, queued: 0 });
  });

  it('a cancelled wait ends at once and takes no slot', async () => {
    const { bulkhead } = make(1, 1);
    bulkhead.tryEnter();
    const wait = bulkhead.wait();
    wait.cancel();
    wait.cancel();
    await expect(wait.entered).resolves.toBe(false);
    bulkhead.leave();
    expect(bulkhead.snapshot()).toMatchObject({ inUse: 0, queued: 0 });
  });

  it('a wait has a limit, and a served wait leaves no timer', async () => {
    const { bulkhead, clock } = make(1, 2, 100);
    bulkhead.tryEnter();
    const served = bulkhead.wait();
    const late = bulkhead.wait();
    const outcome = late.entered.catch((error: unknown) => error);
    bulkhead.leave();
    await expect(served.entered).resolves.toBe(true);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(100);
    expect(await outcome).toBeInstanceOf(BulkheadFullError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('never exceeds its limit, never loses a slot, serves in order', async () => {
    const step = fc.constantFrom('enter', 'enter', 'leave', 'cancel', 'grow', 'shrink');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(3),
        fc.array(step, { maxLength: 60 }),
        async (maxConcurrent, maxQueue, steps) => {
          const { bulkhead } = make(maxConcurrent, maxQueue);
          let limit = maxConcurrent;
          let inside = 0;
          let next = 0;
          const queue: { id: number; cancel: () => void }[] = [];
          const served: number[] = [];
          for (const action of steps) {
            if (action === 'enter') {
              if (bulkhead.tryEnter()) {
                expect(queue).toHaveLength(0);
                inside++;
                expect(inside).toBeLessThanOrEqual(limit);
              } else if (queue.length < maxQueue) {
                const wait = bulkhead.wait();
                const entry = { id: next++, cancel: wait.cancel };
                queue.push(entry);
                void wait.entered.then((entered) => {
                  queue.splice(queue.indexOf(entry), 1);
                  if (!entered) return;
                  inside++;
                  served.push(entry.id);
                });
              } else expect(() => bulkhead.wait()).toThrow(BulkheadFullError);
            }
            if (action === 'leave' && inside > 0) {
              inside--;
              bulkhead.leave();
            }
            if (action === 'cancel') queue.at(-1)?.cancel();
            if (action === 'grow' || action === 'shrink') {
              limit = action === 'grow' ? limit + 1 : Math.max(1, limit - 1);
              bulkhead.configure({ maxConcurrent: limit, maxQueue, maxWaitMs: undefined });
            }
            await Promise.resolve();
            await Promise.resolve();
            expect(bulkhead.snapshot()).toMatchObject({ inUse: inside, queued: queue.length });
            if (queue.length > 0) expect(inside).toBeGreaterThanOrEqual(limit);
          }
          expect(served).toEqual(served.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
