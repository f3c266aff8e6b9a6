/** What an entry takes in memory, keys and values of its own left out. */
import type { Figures } from '../../harness/figures.js';
import { rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES } from './contenders/index.js';
import type { MemoryFigures } from './jobs.js';
import { TTL_MS, withOneEach } from './workers.js';

const ENTRIES = 30_000;

/** A fresh process each: heap and buffers after collections, per entry. */
export const memory: Part = {
  name: 'memory',
  run: ({ redis: { url } }) =>
    withOneEach(NAMES, { url, levels: 'memory', ttlMs: TTL_MS }, async (workers) => {
      const figures: Record<string, Figures> = {};
      for (const [name, worker] of workers) {
        const job = { kind: 'memory', entries: ENTRIES } as const;
        const { total, overhead } = (await worker.ask(job)) as MemoryFigures;
        figures[name] = { bytesPerEntry: rounded(total), bytesPerEntryOverhead: rounded(overhead) };
      }
      return figures;
    }),
};
