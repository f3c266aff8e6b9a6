import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '../../../../test/support/manual-clock.fixture.js';
import { SlidingWindow } from './sliding-window.js';

const WINDOW_MS = 1_000;
const BUCKET_MS = 100;

describe('SlidingWindow', () => {
  it('agrees with a list of all events, at any moment', () => {
    const step = fc.record({ waitMs: fc.nat(1_500), counter: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const clock = new ManualClock();
        const window = new SlidingWindow(clock, WINDOW_MS, ['a', 'b']);
        const events: { bucket: number; counter: string }[] = [];
        for (const { waitMs, counter } of steps) {
          clock.time += waitMs;
          window.add(counter as 'a' | 'b');
          const bucket = Math.floor(clock.time / BUCKET_MS);
          events.push({ bucket, counter });
          for (const name of ['a', 'b'] as const) {
            const within = events.filter(
              (event) => event.counter === name && event.bucket > bucket - WINDOW_MS / BUCKET_MS,
            );
            expect(window.total(name)).toBe(within.length);
          }
        }
      }),
    );
  });

  it('forgets by time alone, and on demand', () => {
    const clock = new ManualClock();
    const window = new SlidingWindow(clock, WINDOW_MS, ['a']);
    window.add('a');
    clock.time = WINDOW_MS - 1;
    expect(window.total('a')).toBe(1);
    clock.time = WINDOW_MS;
    expect(window.total('a')).toBe(0);
    // After a pause of ages: the cost is that of one window, or this would never end.
    window.add('a');
    clock.time = 1e15;
    expect(window.total('a')).toBe(0);
    window.add('a');
    window.clear();
    expect(window.total('a')).toBe(0);
  });
});
