import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SequenceRandom } from '../testing/index.js';
import { type BackoffConfig, backoffMs } from './backoff.js';

const config: BackoffConfig = { initialMs: 50, factor: 2, maxMs: 2_000, jitter: 'none' };
const delays = (jitter: BackoffConfig['jitter'], random: number): number[] =>
  [1, 2, 3, 6, 7, 1_000].map((attempt) =>
    backoffMs({ ...config, jitter }, attempt, new SequenceRandom([random])),
  );

describe('backoffMs', () => {
  it('doubles up to its maximum, also when the power overflows', () => {
    expect(delays('none', 0)).toEqual([50, 100, 200, 1_600, 2_000, 2_000]);
  });

  it('full jitter spreads from 0, equal jitter from half', () => {
    expect(delays('full', 0)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(delays('full', 0.5)).toEqual([25, 50, 100, 800, 1_000, 1_000]);
    expect(delays('equal', 0)).toEqual([25, 50, 100, 800, 1_000, 1_000]);
  });

  it('stays between 0 and the exponential delay', () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fraction, (attempt, random) => {
        for (const jitter of ['full', 'equal'] as const) {
          const delay = backoffMs({ ...config, jitter }, attempt, new SequenceRandom([random]));
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(Math.min(2_000, 50 * 2 ** (attempt - 1)));
        }
      }),
    );
  });
});
