/** Four nodes with a value in memory; one changes it: until the last of them answers with the new one. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import { percentile, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { SYNCHRONIZED } from './contenders/index.js';
import { type CacheWorker, TTL_MS, withWorkers } from './workers.js';

const NODES = 4;
const ROUNDS = 200;
const WARM_UP = 20;
const WITHIN_MS = 1_000;

/** From the call that invalidates. Every node asks every millisecond; who never sees it counts with a second. */
export const invalidateVisible: Part = {
  name: 'invalidateVisible',
  run: ({ redis: { url } }) =>
    withWorkers(SYNCHRONIZED, NODES, { url, levels: 'both', ttlMs: TTL_MS }, async (workers) => {
      let version = 0;
      const blocks = [...workers].map(([name, nodes]) => ({
        name,
        run: () => lag(nodes, ++version),
      }));
      const rounds = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
      const figures: Record<string, Figures> = {};
      for (const [name, lags] of rounds) {
        const at = (share: number): number => rounded(percentile(lags, share));
        figures[name] = { invalidateVisible: { p50Ms: at(0.5), p99Ms: at(0.99) } };
      }
      return figures;
    }),
};

async function lag(nodes: readonly CacheWorker[], version: number): Promise<number> {
  const everywhere = (job: Parameters<CacheWorker['ask']>[0]): Promise<unknown[]> =>
    Promise.all(nodes.map((node) => node.ask(job)));
  const key = 'visible-0';
  const sees = { kind: 'sees', key, withinMs: WITHIN_MS } as const;
  await everywhere({ ...sees, version: 0 });
  await everywhere({ kind: 'version', version });
  const seen = everywhere({ ...sees, version });
  await delay(4);
  const [writer] = nodes as [CacheWorker];
  const changedAt = await writer.ask({ kind: 'forget', prefix: 'visible-', count: 1 });
  return Math.max(...((await seen) as number[])) - (changedAt as number);
}
