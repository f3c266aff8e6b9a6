/** The competitors by the names their figures carry. */
import type { LockContender } from '../contender.js';
import { openFloor } from './floor.js';
import { openNodeRedlock } from './node-redlock.js';
import { openOurs } from './ours.js';
import { openRedisSemaphore } from './redis-semaphore.js';
import { openRedlockUniversal } from './redlock-universal.js';

type Open = (url: string) => Promise<LockContender>;

/** Those that wait for each other. */
export const WAITING: Readonly<Record<string, Open>> = {
  ours: (url) => openOurs(url),
  'redis-semaphore': openRedisSemaphore,
  'node-redlock': openNodeRedlock,
  'redlock-universal': openRedlockUniversal,
};

/** Ours without local hand-over, beside whom no peer stands. */
export const STRICT = 'ours-strict';

const ALL: Readonly<Record<string, Open>> = {
  ...WAITING,
  [STRICT]: (url) => openOurs(url, 'strict'),
  floor: openFloor,
};

/** @throws RangeError for an unknown name */
export async function openContender(name: string, url: string): Promise<LockContender> {
  const open = ALL[name];
  if (!open) throw new RangeError(`no competitor is called ${name}`);
  return open(url);
}

/** Opens several, runs `work` with them and closes them. */
export async function withContenders<T>(
  names: readonly string[],
  url: string,
  work: (contenders: ReadonlyMap<string, LockContender>) => Promise<T>,
): Promise<T> {
  const contenders = new Map<string, LockContender>();
  try {
    for (const name of names) contenders.set(name, await openContender(name, url));
    return await work(contenders);
  } finally {
    await Promise.all([...contenders.values()].map((contender) => contender.close()));
  }
}
