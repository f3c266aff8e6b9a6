/** One key, nobody else: what acquire and release cost beside the floor. */
import { type Block, interleave } from '../../harness/interleave.js';
import type { Figures } from '../../harness/figures.js';
import { median, medianRatio, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import type { LockContender } from './contender.js';
import { WAITING, withContenders } from './contenders/index.js';

const ROUNDS = 100;
const WARM_UP = 20;
const CYCLES = 100;

interface Lap {
  readonly ms: number;
  readonly commands: number;
}

/** Blocks of cycles, interleaved; the ratio of each round, then the median. */
export const uncontended: Part = {
  name: 'uncontended',
  run: ({ redis }) =>
    withContenders([...Object.keys(WAITING), 'floor'], redis.url, async (contenders) => {
      const blocks = [...contenders].flatMap(([name, contender]) => blocksOf(name, contender));
      const laps = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
      const times = (name: string): number[] => laps.get(name)?.map(({ ms }) => ms) ?? [];
      const figures: Record<string, Figures> = {};
      for (const [name, { execute }] of contenders) {
        const commands = laps.get(name)?.map((lap) => lap.commands / CYCLES) ?? [];
        figures[name] = {
          uncontended: {
            commands: median(commands),
            ratioToFloor: rounded(medianRatio(times(name), times('floor'))),
            ...(execute && {
              executeRatioToFloor: rounded(medianRatio(times(`${name}.execute`), times('floor'))),
            }),
            microsPerCycle: rounded((median(times(name)) / CYCLES) * 1_000),
          },
        };
      }
      return figures;
    }),
};

function blocksOf(name: string, contender: LockContender): Block<Lap>[] {
  const key = `uncontended-${name}`;
  const { execute } = contender;
  const cycle = async (): Promise<void> => {
    const release = await contender.acquire(key);
    await release();
  };
  const blocks = [{ name, run: () => lap(contender, cycle) }];
  if (execute) {
    const section = (): Promise<void> => execute(key, async () => {});
    blocks.push({ name: `${name}.execute`, run: () => lap(contender, section) });
  }
  return blocks;
}

async function lap({ commands }: LockContender, cycle: () => Promise<void>): Promise<Lap> {
  const before = commands.total;
  const startedAt = performance.now();
  for (let count = 0; count < CYCLES; count++) await cycle();
  return { ms: performance.now() - startedAt, commands: commands.total - before };
}
