/** From who held when to figures. */
import { describe, expect, it } from '@jest/globals';
import { stormFigures } from './storm-figures.js';
import type { Storm } from './storm.js';

/** Holds as [waiter, from, to]. */
function storm(endedAt: number, commands: number, holds: [number, number, number][]): Storm {
  return {
    startedAt: 100,
    endedAt,
    commands,
    holds: holds.map(([waiter, acquiredAt, releasedAt]) => ({ waiter, acquiredAt, releasedAt })),
  };
}

describe('stormFigures', () => {
  it('joins the processes of a run: from the first start to the last end, gaps by time', () => {
    const run = [
      storm(131, 3, [
        [1, 102, 107],
        [0, 120, 125],
      ]),
      storm(119, 5, [
        [0, 108, 113],
        [1, 113.5, 118.5],
      ]),
    ];
    expect(stormFigures([run])).toEqual({
      totalMs: 31,
      fastestMs: 31,
      commandsPerHandoff: 2,
      handoffP50Ms: 1,
      handoffP99Ms: 1.5,
      inversions: 1,
      sectionMs: 20,
      runs: 1,
    });
  });

  it('takes the middle run', () => {
    const runs = [10, 90, 20].map((ms) => [
      storm(100 + ms, ms, [
        [0, 101, 102],
        [1, 103, 104],
      ]),
    ]);
    expect(stormFigures(runs)).toMatchObject({
      totalMs: 20,
      fastestMs: 10,
      commandsPerHandoff: 10,
    });
  });

  // Catches a "lock" that wins by not locking.
  it('refuses a run in which two held the lock at the same time', () => {
    const a = storm(120, 1, [[0, 101, 106]]);
    const b = storm(120, 1, [[0, 105.9, 110]]);
    expect(() => stormFigures([[a, b]])).toThrow('two held the lock');
  });
});
