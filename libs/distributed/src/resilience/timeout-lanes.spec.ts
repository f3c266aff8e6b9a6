import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { FakeClock } from '../testing/index.js';
import { TimeoutLanes } from './timeout-lanes.js';

describe('TimeoutLanes', () => {
  it('fires each limit at its own time, with one timer per duration', async () => {
    const clock = new FakeClock();
    const lanes = new TimeoutLanes(clock);
    const fired: string[] = [];
    const start = (name: string, ms: number) =>
      lanes.add(ms, () => fired.push(`${name}@${clock.now()}`));
    start('a', 100);
    await clock.advance(30);
    start('b', 100);
    const cancelled = start('c', 100);
    start('short', 50);
    expect(clock.pendingTimers).toBe(2);
    cancelled.cancel();
    await clock.advance(1_000);
    expect(fired).toEqual(['short@80', 'a@100', 'b@130']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('a limit added by an expiring one is not lost', async () => {
    const clock = new FakeClock();
    const lanes = new TimeoutLanes(clock);
    const fired: number[] = [];
    const again = (): void => {
      fired.push(clock.now());
      if (fired.length < 4) lanes.add(10, again);
    };
    lanes.add(10, again);
    await clock.advance(100);
    expect(fired).toEqual([10, 20, 30, 40]);
  });

  it('fires exactly what was not cancelled in time, exactly when it is due', async () => {
    const call = fc.record({
      startGap: fc.nat(20),
      ms: fc.constantFrom(0, 7, 30),
      endsAfter: fc.option(fc.nat(40)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 15 }), async (calls) => {
        const clock = new FakeClock();
        const lanes = new TimeoutLanes(clock);
        const expected: string[] = [];
        const fired: string[] = [];
        for (const [id, { startGap, ms, endsAfter }] of calls.entries()) {
          await clock.advance(startGap);
          const dueAt = clock.now() + ms;
          const limit = lanes.add(ms, () => fired.push(`${id}@${clock.now()}`));
          if (endsAfter !== null) clock.setTimer(() => limit.cancel(), endsAfter);
          if (endsAfter === null || endsAfter > ms) expected.push(`${id}@${dueAt}`);
          // Due at the same instant: either may come first.
          else if (endsAfter === ms) limit.cancel();
        }
        await clock.advance(1_000);
        expect(fired.toSorted()).toEqual(expected.toSorted());
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
