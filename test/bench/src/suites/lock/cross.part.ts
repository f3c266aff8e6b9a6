/** Four processes with twenty-five waiters each: the lock travels. */
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import { sharedNow } from '../../harness/shared-clock.js';
import { BenchWorker } from '../../harness/worker.js';
import type { Part } from '../../suite.js';
import { STRICT, WAITING } from './contenders/index.js';
import type { LockAnswer, LockJob } from './lock.worker.js';
import type { Storm, StormOptions } from './storm.js';
import { stormFigures } from './storm-figures.js';

const PROCESSES = 4;
const WAITERS = 25;
const SECTION_MS = 5;
const ROUNDS = 7;
const BUDGET_MS = 2_500;
/** For the order to begin to reach every process. */
const BARRIER_MS = 30;

type LockWorker = BenchWorker<LockJob, LockAnswer>;

/** All begin at one instant; the end is the last release of any. */
export const cross: Part = {
  name: 'cross',
  async run({ redis, note }) {
    const workers = Array.from(
      { length: PROCESSES },
      (): LockWorker => new BenchWorker(new URL('./lock.worker.js', import.meta.url)),
    );
    const everywhere = (job: LockJob): Promise<LockAnswer[]> =>
      Promise.all(workers.map((worker) => worker.ask(job)));
    const together = async (name: string, options: StormOptions): Promise<Storm[]> => {
      const at = sharedNow() + BARRIER_MS;
      return (await everywhere({ ...options, kind: 'storm', name, at })) as Storm[];
    };
    try {
      const names: string[] = [];
      for (const name of [...Object.keys(WAITING), STRICT]) {
        try {
          await everywhere({ kind: 'open', name, url: redis.url });
          for (let round = 0; round < 5; round++)
            await together(name, { key: 'warm-up', waiters: 1, sectionMs: 0 });
          names.push(name);
        } catch (error) {
          if (name !== STRICT) throw error;
          note('this version knows no fairness: strict is not measured');
        }
      }
      const options = { key: 'cross', waiters: WAITERS, sectionMs: SECTION_MS };
      const blocks = names.map((name) => ({ name, run: () => together(name, options) }));
      return figuresOf(await interleave(blocks, { rounds: ROUNDS, budgetMs: BUDGET_MS }));
    } finally {
      for (const worker of workers) worker.stop();
    }
  },
};

function figuresOf(runs: ReadonlyMap<string, Storm[][]>): Record<string, Figures> {
  const figures: Record<string, Figures> = {};
  for (const [name, storms] of runs) {
    if (name !== STRICT) figures[name] = { cross4x25: stormFigures(storms) };
  }
  const strict = runs.get(STRICT);
  if (strict) figures['ours'] = { ...figures['ours'], cross4x25strict: stormFigures(strict) };
  return figures;
}
