/** The processes of a part: opened together, ended together. */
import { BenchWorker } from '../../harness/worker.js';
import type { CacheAnswer, CacheJob } from './cache.worker.js';

/** A process with one competitor. */
export type CacheWorker = BenchWorker<CacheJob, CacheAnswer>;

/** How the competitors of a part are opened. */
export type Opening = Omit<Extract<CacheJob, { kind: 'open' }>, 'kind' | 'name'>;

/** Long enough that nothing expires meanwhile. */
export const TTL_MS = 600_000;

/** Some processes per competitor, in the order of names. */
export async function withWorkers<T>(
  names: readonly string[],
  each: number,
  opening: Opening,
  work: (workers: ReadonlyMap<string, readonly CacheWorker[]>) => Promise<T>,
): Promise<T> {
  const workers = new Map<string, CacheWorker[]>();
  const all: CacheWorker[] = [];
  try {
    for (const name of names) {
      const some = Array.from(
        { length: each },
        (): CacheWorker => new BenchWorker(new URL('./cache.worker.js', import.meta.url)),
      );
      all.push(...some);
      await Promise.all(some.map((worker) => worker.ask({ kind: 'open', name, ...opening })));
      workers.set(name, some);
    }
    return await work(workers);
  } finally {
    for (const worker of all) worker.stop();
  }
}

/** As `withWorkers`, with one process for each. */
export function withOneEach<T>(
  names: readonly string[],
  opening: Opening,
  work: (workers: ReadonlyMap<string, CacheWorker>) => Promise<T>,
): Promise<T> {
  return withWorkers(names, 1, opening, (workers) =>
    work(new Map([...workers].map(([name, [worker]]) => [name, worker as CacheWorker]))),
  );
}
