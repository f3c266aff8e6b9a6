/** A process of its own with competitors in it: storms across processes, waiters that only wait. */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { answerTo } from '../../harness/worker.js';
import type { LockContender } from './contender.js';
import { openContender } from './contenders/index.js';
import { storm, type Storm, type StormOptions } from './storm.js';

/** Be ready, take part in a storm, or wait idly. */
export type LockJob =
  | { readonly kind: 'open'; readonly name: string; readonly url: string }
  | ({ readonly kind: 'storm'; readonly name: string } & StormOptions)
  | ({ readonly kind: 'idle'; readonly name: string; readonly url: string } & IdleOptions);

/** Waiters on a lock that somebody else holds all the time. */
export interface IdleOptions {
  readonly waiters: number;
  /** Not counted: the rush at the beginning. */
  readonly settleMs: number;
  readonly countMs: number;
}

/** Commands sent while nothing happened. */
export interface Idle {
  /** Those that name the key. */
  readonly aboutKey: number;
  /** Those that keep connections alive. */
  readonly others: number;
}

/** The answer to each kind of job. */
export type LockAnswer = Storm | Idle | undefined;

const open = new Map<string, LockContender>();

answerTo<LockJob, LockAnswer>(async (job) => {
  switch (job.kind) {
    case 'open':
      open.set(job.name, await openContender(job.name, job.url));
      return undefined;
    case 'storm': {
      const contender = open.get(job.name);
      if (!contender) throw new Error(`${job.name} is not open`);
      return storm(contender, job);
    }
    case 'idle':
      return idle(job.name, job.url, job);
  }
});

async function idle(name: string, url: string, options: IdleOptions): Promise<Idle> {
  const key = `idle-${name}`;
  // Another application, as far as both know: it has connections of its own.
  const holder = await openContender(name, url);
  await holder.acquire(key);
  const { commands, acquire } = await openContender(name, url);
  // Never answered: the process ends with the experiment.
  for (let waiter = 0; waiter < options.waiters; waiter++) void acquire(key);
  await delay(options.settleMs);
  commands.watched = key;
  const before = commands.total;
  await delay(options.countMs);
  const { aboutWatched } = commands;
  return { aboutKey: aboutWatched, others: commands.total - before - aboutWatched };
}
