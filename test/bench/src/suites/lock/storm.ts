/** Many waiters want one key at the same instant. */
import { setTimeout as delay } from 'node:timers/promises';
import { sharedNow, until } from '../../harness/shared-clock.js';
import type { LockContender } from './contender.js';

/** What is asked of each process. */
export interface StormOptions {
  readonly key: string;
  readonly waiters: number;
  /** How long each holds the lock. */
  readonly sectionMs: number;
  /** When to begin, on the shared clock; default now. */
  readonly at?: number;
}

/** One turn; instants of the shared clock. */
export interface Hold {
  /** Number of the waiter, in the order they came. */
  readonly waiter: number;
  readonly acquiredAt: number;
  /** When it called release. */
  readonly releasedAt: number;
}

/** What one process saw. */
export interface Storm {
  readonly startedAt: number;
  /** When the last release had been answered. */
  readonly endedAt: number;
  readonly holds: readonly Hold[];
  readonly commands: number;
}

/** Resolves when every waiter has had its turn. */
export async function storm(contender: LockContender, options: StormOptions): Promise<Storm> {
  const { key, waiters, sectionMs, at } = options;
  if (at !== undefined) await until(at);
  const before = contender.commands.total;
  const startedAt = sharedNow();
  const holds: Hold[] = [];
  const turn = async (waiter: number): Promise<void> => {
    const release = await contender.acquire(key);
    const acquiredAt = sharedNow();
    if (sectionMs > 0) await delay(sectionMs);
    holds.push({ waiter, acquiredAt, releasedAt: sharedNow() });
    await release();
  };
  await Promise.all(Array.from({ length: waiters }, (_, waiter) => turn(waiter)));
  const commands = contender.commands.total - before;
  return { startedAt, endedAt: sharedNow(), holds, commands };
}

/** Small storms, until what they run has been compiled and connected. */
export async function warmUp(contenders: Iterable<LockContender>): Promise<void> {
  for (const contender of contenders) {
    for (let round = 0; round < 5; round++)
      await storm(contender, { key: 'warm-up', waiters: 3, sectionMs: 0 });
  }
}
