/** Who runs when. */
import { describe, expect, it } from '@jest/globals';
import { interleave, rotated } from './interleave.js';

describe('interleave', () => {
  it('runs each once a round, everybody first in turn, and drops the warm-up', async () => {
    const ran: string[] = [];
    const blocks = ['a', 'b', 'c'].map((name) => ({
      name,
      run: async (round: number) => {
        ran.push(name);
        return `${name}${round}`;
      },
    }));
    const results = await interleave(blocks, { rounds: 2, warmUp: 1 });
    expect(ran.join('')).toBe('abcbcacab');
    expect([...results]).toEqual([
      ['a', ['a0', 'a1']],
      ['b', ['b0', 'b1']],
      ['c', ['c0', 'c1']],
    ]);
  });

  it('lets a slow one sit out, but never unmeasured', async () => {
    const slow = async (): Promise<number> => {
      const until = performance.now() + 2;
      while (performance.now() < until);
      return 1;
    };
    const blocks = [
      { name: 'slow', run: slow },
      { name: 'fast', run: async () => 1 },
    ];
    const results = await interleave(blocks, { rounds: 3, budgetMs: 1 });
    expect([...results.values()].map(({ length }) => length)).toEqual([1, 3]);
  });

  it('rotates', () => {
    expect(rotated([1, 2, 3], 4)).toEqual([2, 3, 1]);
    expect(rotated([], 4)).toEqual([]);
  });
});
