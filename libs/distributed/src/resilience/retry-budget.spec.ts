import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from '../../../../test/support/manual-clock.fixture.js';
import { RetryBudget } from './retry-budget.js';

const config = { ratio: 0.2, minPerSecond: 3, windowMs: 10_000 };

describe('RetryBudget', () => {
  it('grants the floor without traffic, and a share of the traffic on top', () => {
    const clock = new ManualClock();
    const budget = new RetryBudget(config, clock);
    expect(budget.available).toBe(30);
    for (let i = 0; i < 100; i++) budget.called();
    expect(budget.available).toBe(50);
    for (let i = 0; i < 50; i++) expect(budget.tryRetry()).toBe(true);
    expect(budget.tryRetry()).toBe(false);
    clock.time = 10_000;
    expect(budget.available).toBe(30);
  });

  it('never lets repeats exceed the share plus the floor in any window', () => {
    const step = fc.record({ waitMs: fc.nat(300), retries: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clock = new ManualClock();
        const budget = new RetryBudget(config, clock);
        const granted: number[] = [];
        const called: number[] = [];
        for (const { waitMs, retries } of steps) {
          clock.time += waitMs;
          budget.called();
          called.push(clock.time);
          for (let i = 0; i < retries; i++) if (budget.tryRetry()) granted.push(clock.time);
          // Nine buckets are in the window for sure, whatever the phase.
          const since = (times: number[], ms: number): number =>
            times.filter((time) => time > clock.time - ms).length;
          expect(since(granted, 9_000)).toBeLessThanOrEqual(0.2 * since(called, 10_000) + 30);
        }
      }),
    );
  });
});
