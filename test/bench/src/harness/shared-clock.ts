/** One clock for all processes of this machine. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Milliseconds of the system's monotonic clock, which counts alike in every process, so instants of
 * several processes can be compared. `performance.now()` has another origin in each.
 */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Resolves at an instant of that clock. Waits actively at the end: a timer may be late by more. */
export async function until(instant: number): Promise<void> {
  const coarse = instant - sharedNow() - 2;
  if (coarse > 0) await delay(coarse);
  while (sharedNow() < instant);
}
