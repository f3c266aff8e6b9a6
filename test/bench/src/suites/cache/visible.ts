/** Until a node shows what was changed. */
import { setTimeout as delay } from 'node:timers/promises';
import { sharedNow } from '../../harness/shared-clock.js';
import type { CacheContender } from './contender.js';

/** What is asked of each process. */
export interface SeesOptions {
  readonly key: string;
  readonly version: number;
  readonly withinMs: number;
}

/** Reads every millisecond; the instant of the first answer that is at least so new. */
export async function seesVersion(
  { read }: CacheContender,
  { key, version, withinMs }: SeesOptions,
): Promise<number> {
  const giveUpAt = sharedNow() + withinMs;
  for (;;) {
    const value = (await read(key)) as { readonly version: number };
    const now = sharedNow();
    if (value.version >= version || now > giveUpAt) return now;
    await delay(1);
  }
}
