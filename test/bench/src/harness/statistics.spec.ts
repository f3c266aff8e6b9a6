/** Figures are only as true as this. */
import { describe, expect, it } from '@jest/globals';
import { inversions, median, medianRatio, percentile, rounded } from './statistics.js';

describe('statistics', () => {
  it('takes percentiles by nearest rank, whatever the order', () => {
    const values = [50, 15, 40, 20, 35];
    expect([0.05, 0.3, 0.4, 0.5, 1].map((share) => percentile(values, share))).toEqual([
      15, 20, 20, 35, 50,
    ]);
    expect(percentile([7], 0.99)).toBe(7);
    expect(() => percentile([], 0.5)).toThrow('no values');
  });

  it('takes the mean of the middle two as median of an even number', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([9])).toBe(9);
    for (const count of [2, 10, 50, 100]) {
      const values = Array.from({ length: count }, (_, index) => index);
      expect(median(values)).toBe((count - 1) / 2);
    }
  });

  // Catches dividing the medians: a machine that slows down in the middle would show as a difference.
  it('compares round by round', () => {
    expect(medianRatio([1, 1, 30, 30, 30], [1, 1, 20, 20, 20])).toBe(1.5);
    expect(medianRatio([2, 20, 200], [1, 10, 100])).toBe(2);
    expect(medianRatio([2, 20, 200], [1])).toBe(2);
  });

  it('keeps three digits', () => {
    expect([0.012345, 1.2345, 123.45, 0, -28.77].map(rounded)).toEqual([
      0.0123, 1.23, 123, 0, -28.8,
    ]);
  });

  it('counts neighbours out of order', () => {
    expect(inversions([0, 1, 2, 3])).toBe(0);
    expect(inversions([3, 2, 1, 0])).toBe(3);
    expect(inversions([])).toBe(0);
  });
});
