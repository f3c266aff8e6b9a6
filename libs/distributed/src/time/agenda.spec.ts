/** One timer stands for many due times. */
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { Agenda } from './agenda.js';

function setUp(): { clock: FakeClock; agenda: Agenda<{ at: number }>; due: number[][] } {
  const clock = new FakeClock();
  const due: number[][] = [];
  const agenda = new Agenda<{ at: number }>(
    clock,
    ({ at }) => at,
    (items) => due.push(items.map(({ at }) => at)),
  );
  return { clock, agenda, due };
}

describe('Agenda', () => {
  it('fires at the earliest time, for all that are due (mutation: arm for the last added)', async () => {
    const { clock, agenda, due } = setUp();
    for (const at of [300, 100, 100, 200]) agenda.add({ at });
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(100);
    expect(due).toEqual([[100, 100]]);
    await clock.advance(200);
    expect(due).toEqual([[100, 100], [200], [300]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('follows an item that has moved to later', async () => {
    const { clock, agenda, due } = setUp();
    const item = { at: 100 };
    agenda.add(item);
    item.at = 250;
    await clock.advance(249);
    expect(due).toEqual([]);
    await clock.advance(1);
    expect(due).toEqual([[250]]);
  });

  it('forgets what was deleted, and then its timer', async () => {
    const { clock, agenda, due } = setUp();
    const [first, second] = [{ at: 100 }, { at: 200 }];
    agenda.add(first);
    agenda.add(second);
    expect([agenda.delete(first), agenda.delete(first)]).toEqual([true, false]);
    await clock.advance(150);
    expect(due).toEqual([]);
    agenda.delete(second);
    expect(clock.pendingTimers).toBe(0);
  });

  it('can keep its timer for items that come and go (mutation: a timer each)', async () => {
    const clock = new FakeClock();
    let timers = 0;
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (...args) => {
      timers++;
      return setTimer(...args);
    };
    const agenda = new Agenda<{ at: number }>(
      clock,
      ({ at }) => at,
      () => {},
      { lingers: true },
    );
    for (let n = 0; n < 100; n++) {
      const item = { at: 100 + n };
      agenda.add(item);
      agenda.delete(item);
    }
    expect([timers, clock.pendingTimers]).toEqual([1, 1]);
    agenda.add({ at: 500 });
    expect(agenda.clear()).toEqual([{ at: 500 }]);
    expect([agenda.size, clock.pendingTimers]).toEqual([0, 0]);
  });
});
