/** A hundred waiters in one process. */
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import type { Part } from '../../suite.js';
import type { LockContender } from './contender.js';
import { WAITING, withContenders } from './contenders/index.js';
import { storm, type StormOptions, warmUp } from './storm.js';
import { stormFigures } from './storm-figures.js';

const WAITERS = 100;
const ROUNDS = 7;
const BUDGET_MS = 2_500;

/** With nothing to do under the lock, and with 5 ms of work. */
export const local: Part = {
  name: 'local',
  run: ({ redis }) =>
    withContenders(Object.keys(WAITING), redis.url, async (contenders) => {
      await warmUp(contenders.values());
      const figures: Record<string, Figures> = {};
      const idle = await storms(contenders, { key: 'local', waiters: WAITERS, sectionMs: 0 });
      const busy = await storms(contenders, { key: 'local-5', waiters: WAITERS, sectionMs: 5 });
      for (const name of contenders.keys()) {
        figures[name] = {
          local100: idle.get(name) ?? {},
          local100cs5: busy.get(name) ?? {},
        };
      }
      return figures;
    }),
};

async function storms(
  contenders: ReadonlyMap<string, LockContender>,
  options: StormOptions,
): Promise<Map<string, Figures>> {
  const blocks = [...contenders].map(([name, contender]) => ({
    name,
    run: () => storm(contender, options),
  }));
  const results = await interleave(blocks, { rounds: ROUNDS, budgetMs: BUDGET_MS });
  return new Map(
    [...results].map(([name, runs]) => [name, stormFigures(runs.map((run) => [run]))]),
  );
}
