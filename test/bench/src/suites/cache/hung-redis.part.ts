/** Redis stands still (SIGSTOP): what callers wait for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from '../../harness/figures.js';
import { startRedis } from '../../harness/servers.js';
import { median, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import { NAMES, SERVING_STALE } from './contenders/index.js';
import { type CacheWorker, type Opening, TTL_MS, withOneEach } from './workers.js';

const HUNG_MS = 2_500;
const FACTORY_MS = 50;
const FRESH_MS = 1_000;
const READS = 20;
const COLD_READS = 5;

/**
 * A server of its own. Cold: the median of a few reads that begin together. Stale: the slowest of
 * some values past their lifetime which the library may serve.
 */
export const hungRedis: Part = {
  name: 'hungRedis',
  async run({ note }) {
    const { server } = await startRedis();
    const { url } = server;
    const figures: Record<string, Record<string, number>> = {};
    const cold = async (name: string, worker: CacheWorker): Promise<void> => {
      const job = {
        kind: 'each',
        prefix: 'cold-',
        count: COLD_READS,
        loadMs: FACTORY_MS,
        atOnce: true,
      } as const;
      const times = (await worker.ask(job)) as number[];
      figures[name] = { ...figures[name], coldMs: rounded(median(times)) };
    };
    const stale = async (name: string, worker: CacheWorker): Promise<void> => {
      const job = { kind: 'each', prefix: 'stale-', count: READS, loadMs: FACTORY_MS } as const;
      const times = (await worker.ask(job)) as number[];
      figures[name] = { ...figures[name], staleServedMs: rounded(Math.max(...times)) };
    };
    try {
      await withOneEach(NAMES, { url, levels: 'both', ttlMs: TTL_MS }, async (workers) => {
        for (const worker of workers.values())
          await worker.ask({ kind: 'each', prefix: 'warm-up-', count: 200 });
        await whileHung(server, workers, cold);
      });
      const opening = { url, levels: 'both', ttlMs: FRESH_MS, staleMs: TTL_MS } as const;
      const able = await namesThatOpen(SERVING_STALE, opening, note);
      await withOneEach(able, opening, async (workers) => {
        for (const worker of workers.values())
          await worker.ask({ kind: 'each', prefix: 'stale-', count: READS });
        await delay(FRESH_MS * 1.2);
        await whileHung(server, workers, stale);
      });
    } finally {
      await server.stop();
    }
    return Object.fromEntries(
      Object.entries(figures).map(([name, found]): [string, Figures] => [
        name,
        { hungRedis: found },
      ]),
    );
  },
};

/** Everybody at once; who waits for the server, waits until it goes on. */
async function whileHung(
  server: { freeze(): void; thaw(): void },
  workers: ReadonlyMap<string, CacheWorker>,
  ask: (name: string, worker: CacheWorker) => Promise<void>,
): Promise<void> {
  server.freeze();
  const asked = Promise.all([...workers].map(([name, worker]) => ask(name, worker)));
  await delay(HUNG_MS);
  server.thaw();
  await asked;
}

/** Without those whose version does not know the option yet. */
async function namesThatOpen(
  names: readonly string[],
  opening: Opening,
  note: (text: string) => void,
): Promise<string[]> {
  const able: string[] = [];
  for (const name of names) {
    try {
      await withOneEach([name], opening, async () => able.push(name));
    } catch {
      note(`${name} does not serve stale values in this version`);
    }
  }
  return able;
}
