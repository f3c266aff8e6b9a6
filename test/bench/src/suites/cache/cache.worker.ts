/** A process of its own with one competitor in it. */
import 'reflect-metadata';
import { answerTo } from '../../harness/worker.js';
import type { CacheContender } from './contender.js';
import { openContender } from './contenders/index.js';
import {
  bytesPerEntry,
  forgetEach,
  hitLap,
  type MemoryFigures,
  readAll,
  readEach,
  readTogether,
} from './jobs.js';
import { source } from './source.js';
import { stampede, type StampedeRun } from './stampede.js';
import { seesVersion } from './visible.js';

/** What a worker can be asked for. */
export type CacheJob =
  | {
      readonly kind: 'open';
      readonly name: string;
      readonly url: string;
      readonly levels: 'memory' | 'both';
      readonly ttlMs: number;
      readonly staleMs?: number;
    }
  /** Nanoseconds of an awaited hit, over so many milliseconds of them. */
  | { readonly kind: 'hits'; readonly keys: number; readonly forMs: number }
  /** One after the other; milliseconds of each. */
  | {
      readonly kind: 'each';
      readonly prefix: string;
      readonly count: number;
      readonly loadMs?: number;
      readonly atOnce?: boolean;
    }
  /** Side by side; no answer. */
  | { readonly kind: 'all'; readonly prefix: string; readonly count: number }
  /** One after the other; the instant, on the shared clock, when that began. */
  | { readonly kind: 'forget'; readonly prefix: string; readonly count: number }
  | {
      readonly kind: 'stampede';
      readonly key: string;
      readonly callers: number;
      readonly loadMs: number;
      readonly at: number;
    }
  | { readonly kind: 'memory'; readonly entries: number }
  /** The source's version of everything from now on. */
  | { readonly kind: 'version'; readonly version: number }
  /** The instant, on the shared clock, from which on a key shows a version. */
  | {
      readonly kind: 'sees';
      readonly key: string;
      readonly version: number;
      readonly withinMs: number;
    };

/** The answer to each kind of job. */
export type CacheAnswer = number | readonly number[] | StampedeRun | MemoryFigures | undefined;

let contender: CacheContender | undefined;

answerTo<CacheJob, CacheAnswer>(async (job) => {
  if (job.kind === 'open') {
    const { url, levels, ttlMs, staleMs } = job;
    const stale = staleMs === undefined ? {} : { staleMs };
    contender = await openContender(job.name, { url, levels, ttlMs, load: source.load, ...stale });
    return undefined;
  }
  if (job.kind === 'version') {
    source.version = job.version;
    return undefined;
  }
  if (!contender) throw new Error('no competitor is open');
  switch (job.kind) {
    case 'hits':
      return hitLap(contender, job.keys, job.forMs);
    case 'each':
      source.delayMs = job.loadMs ?? 0;
      return job.atOnce
        ? readTogether(contender, job.prefix, job.count)
        : readEach(contender, job.prefix, job.count);
    case 'all':
      source.delayMs = 0;
      return readAll(contender, job.prefix, job.count);
    case 'forget':
      return forgetEach(contender, job.prefix, job.count);
    case 'stampede':
      return stampede(contender, job);
    case 'memory':
      return bytesPerEntry(contender, job.entries);
    case 'sees':
      source.delayMs = 0;
      return seesVersion(contender, job);
  }
});
