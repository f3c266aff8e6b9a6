/** What a worker measures by itself. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sharedNow } from '../../harness/shared-clock.js';
import type { CacheContender } from './contender.js';
import { source } from './source.js';

const STRIDE = 7_919;
const BATCH = 500;
const PARALLEL = 200;

/** Number keys, in a stride so that neither order nor the processor's cache helps. */
export async function hitLap(
  { read }: CacheContender,
  keys: number,
  forMs: number,
): Promise<number> {
  let position = 0;
  let hits = 0;
  const startedAt = performance.now();
  let elapsed = 0;
  while (elapsed < forMs) {
    for (let count = 0; count < BATCH; count++) {
      position = (position + STRIDE) % keys;
      await read(position);
    }
    hits += BATCH;
    elapsed = performance.now() - startedAt;
  }
  return (elapsed * 1e6) / hits;
}

/** Milliseconds of each read. A prefix of `''` means number keys. */
export async function readEach(
  { read }: CacheContender,
  prefix: string,
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedAt = performance.now();
    await read(keyOf(prefix, n));
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Milliseconds of each of some reads that begin together. */
export function readTogether(
  { read }: CacheContender,
  prefix: string,
  count: number,
): Promise<number[]> {
  const startedAt = performance.now();
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await read(keyOf(prefix, n));
      return performance.now() - startedAt;
    }),
  );
}

/** Reads many keys, some hundred at a time. */
export async function readAll(
  { read }: CacheContender,
  prefix: string,
  count: number,
): Promise<undefined> {
  for (let from = 0; from < count; from += PARALLEL) {
    const some = Math.min(PARALLEL, count - from);
    await Promise.all(Array.from({ length: some }, (_, n) => read(keyOf(prefix, from + n))));
  }
}

/** The instant before the first, on the shared clock. */
export async function forgetEach(
  { forget }: CacheContender,
  prefix: string,
  count: number,
): Promise<number> {
  const startedAt = sharedNow();
  for (let n = 0; n < count; n++) await forget(keyOf(prefix, n));
  return startedAt;
}

/** Bytes of an entry in memory. */
export interface MemoryFigures {
  /** With key and value. */
  readonly total: number;
  /** Without. */
  readonly overhead: number;
}

/** Texts as values; what they and their keys take alone is measured first. */
export async function bytesPerEntry(
  contender: CacheContender,
  entries: number,
): Promise<MemoryFigures> {
  const make = (key: unknown): string => flat(`the value of ${String(key)}, some text long`);
  const alone = Array.from({ length: 2 * entries }, () => '');
  const before = usedBytes();
  for (let n = 0; n < entries; n++) {
    const key = `memory:${n}`;
    alone[2 * n] = flat(key);
    alone[2 * n + 1] = make(key);
  }
  const bare = (usedBytes() - before) / entries;
  if (alone.some((text) => text === '')) throw new Error('they were not there');
  source.make = make;
  await readAll(contender, 'warm-', 1_000);
  const start = usedBytes();
  await readAll(contender, 'memory-', entries);
  const total = (usedBytes() - start) / entries;
  source.make = undefined;
  return { total, overhead: total - bare };
}

function keyOf(prefix: string, n: number): string | number {
  return prefix === '' ? n : `${prefix}${n}`;
}

/** A text joined from parts is a tree in memory; this is the same text in one piece. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
