/** A hit in memory: a decorated method of a provider, awaited, 10 000 keys, number keys. */
import type { Figures } from '../../harness/figures.js';
import { interleave } from '../../harness/interleave.js';
import { median, medianRatio, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES } from './contenders/index.js';
import { TTL_MS, withOneEach } from './workers.js';

const KEYS = 10_000;
const ROUNDS = 40;
const WARM_UP = 5;
const LAP_MS = 30;

/** Peers without Redis, as fast as they get; ours with Redis and messages, as it is used. */
export const l1Hit: Part = {
  name: 'l1Hit',
  run: ({ redis: { url } }) =>
    withOneEach(NAMES, { url, levels: 'memory', ttlMs: TTL_MS }, async (workers) => {
      for (const worker of workers.values())
        await worker.ask({ kind: 'all', prefix: '', count: KEYS });
      const blocks = [...workers].map(([name, worker]) => ({
        name,
        run: async () => (await worker.ask({ kind: 'hits', keys: KEYS, forMs: LAP_MS })) as number,
      }));
      const laps = await interleave(blocks, { rounds: ROUNDS, warmUp: WARM_UP });
      const figures: Record<string, Record<string, Figures>> = {};
      for (const [name, times] of laps) figures[name] = { l1Hit: { ns: rounded(median(times)) } };
      const { ours = [], ...peers } = Object.fromEntries(laps);
      const [fastest = []] = Object.values(peers).toSorted((a, b) => median(a) - median(b));
      const ratioToFastestPeer = rounded(medianRatio(ours, fastest));
      return { ...figures, ours: { l1Hit: { ns: rounded(median(ours)), ratioToFastestPeer } } };
    }),
};
