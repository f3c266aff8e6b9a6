/** What a lost message and a dead holder cost at most. */
import { describe, expect, it } from '@jest/globals';
import { SequenceRandom } from '../testing/fake-clock.js';
import { pollPause, retryPause } from './pause.js';

const draws = [0, 0.5, 0.999_999];

describe('pauses', () => {
  it.each(draws)('between polls are a second, and 1.2 at most (draw %d)', (draw) => {
    const pause = pollPause(-1, new SequenceRandom([draw]));
    expect(pause).toBeGreaterThanOrEqual(1_000);
    expect(pause).toBeLessThanOrEqual(1_200);
  });

  it.each(draws)('end soon after the lease of a dead holder, never before (draw %d)', (draw) => {
    const pause = pollPause(300, new SequenceRandom([draw]));
    expect(pause).toBeGreaterThan(300);
    expect(pause).toBeLessThanOrEqual(325);
  });

  it('are never a hot loop, whatever the store says', () => {
    expect(pollPause(0, new SequenceRandom([0]))).toBeGreaterThanOrEqual(10);
  });

  it('after failures grow, and stop growing', () => {
    expect([1, 2, 3, 4, 50].map(retryPause)).toEqual([50, 100, 200, 250, 250]);
  });
});
