import { describe, expect, it } from '@jest/globals';
import { parseDuration, toMs } from './duration.js';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    [40, 40],
    [0, 0],
  ] as const)('%s is %d ms', (value, ms) => {
    expect(toMs(value)).toBe(ms);
  });

  it.each(['', '5', 's', '5 s', '-5s', '5sec', -1, Number.NaN, Infinity, null, undefined, {}])(
    '%p is none',
    (value) => {
      expect(parseDuration(value)).toBeUndefined();
      expect(() => toMs(value as never, 'lease')).toThrow(/lease: expected a duration/);
    },
  );
});
