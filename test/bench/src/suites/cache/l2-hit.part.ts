/** Reads that Redis answers, and reads that nobody answers: one after the other, microseconds. */
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import { percentile, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES } from './contenders/index.js';
import { TTL_MS, withWorkers } from './workers.js';

const ROUNDS = 20;
const WARM_UP = 3;
const READS = 100;

/** One process loads, which is the miss; another one, with empty memory, reads the same, which is the hit. */
export const l2Hit: Part = {
  name: 'l2Hit',
  run: ({ redis: { url } }) =>
    withWorkers(NAMES, 2, { url, levels: 'both', ttlMs: TTL_MS }, async (workers) => {
      const blocks = [...workers].map(([name, pair]) => ({
        name,
        run: async (round: number) => {
          const times: (readonly number[])[] = [];
          for (const worker of pair) {
            const prefix = `l2-${round}-`;
            times.push((await worker.ask({ kind: 'each', prefix, count: READS })) as number[]);
          }
          return times;
        },
      }));
      const rounds = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
      return Object.fromEntries(
        [...rounds].map(([name, runs]) => [
          name,
          {
            l2Hit: micros(runs.flatMap(([, hits]) => hits ?? [])),
            miss: micros(runs.flatMap(([misses]) => misses ?? [])),
          },
        ]),
      );
    }),
};

function micros(times: readonly number[]): Figures {
  const at = (share: number): number => rounded(percentile(times, share) * 1_000);
  return { p50Micros: at(0.5), p99Micros: at(0.99) };
}
