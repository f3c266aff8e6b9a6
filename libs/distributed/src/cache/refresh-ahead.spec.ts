/** When a value is refreshed before it expires. */
import { describe, expect, it } from '@jest/globals';
import { refreshTime } from './refresh-ahead.js';

describe('refreshTime', () => {
  const facts = { now: 0, freshUntil: 60_000, loadMs: 1_000, random: 0.5 };

  it('is the end of the fresh time without refresh-ahead', () => {
    expect(refreshTime(false, facts)).toBe(60_000);
  });

  it('is a fraction of the fresh time', () => {
    expect(refreshTime({ at: 0.8 }, facts)).toBe(48_000);
  });

  it('is the earlier the longer a load takes, never late, and at random (XFetch)', () => {
    expect(refreshTime({ beta: 1 }, facts)).toBeCloseTo(60_000 - 1_000 * Math.LN2);
    expect(refreshTime({ beta: 2 }, facts)).toBeCloseTo(60_000 - 2_000 * Math.LN2);
    expect(refreshTime({ beta: 1 }, { ...facts, random: 0 })).toBe(60_000);
    expect(refreshTime({ beta: 1 }, { ...facts, loadMs: 0 })).toBe(60_000);
  });

  it('falls on average one load time before the end, with beta 1', () => {
    const draws = Array.from({ length: 10_000 }, (_unused, index) =>
      refreshTime({ beta: 1 }, { ...facts, random: index / 10_000 }),
    );
    const mean = draws.reduce((sum, at) => sum + 60_000 - at, 0) / draws.length;
    expect(mean).toBeGreaterThan(950);
    expect(mean).toBeLessThan(1_050);
  });
});
