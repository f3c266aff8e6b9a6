/** 4 processes × 10 000 callers want one missing value that takes 50 ms to load. */
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import { monitored } from '../../harness/monitored.js';
import { sharedNow } from '../../harness/shared-clock.js';
import { median, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES } from './contenders/index.js';
import type { StampedeRun } from './stampede.js';
import { type CacheWorker, TTL_MS, withWorkers } from './workers.js';

const PROCESSES = 4;
const CALLERS = 10_000;
const LOAD_MS = 50;
const ROUNDS = 3;
const WARM_UP = 1;
/** For the order to begin to reach every process. */
const BARRIER_MS = 30;

/** `factoryCalls` is the worst of all rounds; commands are counted in a round of their own. */
export const stampede10k: Part = {
  name: 'stampede10k',
  run: ({ redis: { url } }) =>
    withWorkers(NAMES, PROCESSES, { url, levels: 'both', ttlMs: TTL_MS }, async (workers) => {
      const blocks = [...workers].map(([name, some]) => ({
        name,
        run: (round: number) => together(some, `stampede-${round}`),
      }));
      const rounds = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
      const figures: Record<string, Figures> = {};
      for (const [name, some] of workers) {
        const runs = rounds.get(name) ?? [];
        const seen = await monitored(url, () => together(some, 'stampede-counted'));
        const calls = runs.map((each) => sum(each.map(({ factoryCalls }) => factoryCalls)));
        figures[name] = {
          stampede10k: {
            factoryCalls: Math.max(...calls),
            ms: rounded(median(runs.map(wallMs))),
            commands: seen.length,
          },
        };
      }
      return figures;
    }),
};

async function together(workers: readonly CacheWorker[], key: string): Promise<StampedeRun[]> {
  const at = sharedNow() + BARRIER_MS;
  const job = { kind: 'stampede', key, callers: CALLERS, loadMs: LOAD_MS, at } as const;
  return (await Promise.all(workers.map((worker) => worker.ask(job)))) as StampedeRun[];
}

function wallMs(runs: readonly StampedeRun[]): number {
  const ended = Math.max(...runs.map(({ endedAt }) => endedAt));
  return ended - Math.min(...runs.map(({ startedAt }) => startedAt));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
