/** A cron job on every machine: all come at about the same instant, one may run. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LockService } from 'nestjs-distributed';
import { monotonicMs } from '../monotonic.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Resource } from './resource.js';
import type { Ticks } from './worker-contract.js';

/** What ticks run on. */
export interface TickPlace {
  readonly locks: LockService;
  readonly resources: Resource;
  readonly random: SeededRandom;
  readonly processName: string;
}

/** Who comes so much later than planned was held up by the machine, and does not come at all. */
const TOO_LATE_MS = 25;

/** Runs all ticks; the number of times this process was the one. */
export async function runTicks(place: TickPlace, ticks: Ticks): Promise<number> {
  let runs = 0;
  for (let tick = 0; tick < ticks.count; tick++) {
    const skewMs = place.random.between(-ticks.skewMs, ticks.skewMs);
    const plannedAt = ticks.startAt + tick * ticks.periodMs + skewMs;
    await delay(Math.max(0, plannedAt - monotonicMs()));
    if (monotonicMs() - plannedAt < TOO_LATE_MS && (await ran(place, ticks, tick))) runs++;
  }
  return runs;
}

async function ran(place: TickPlace, { options }: Ticks, tick: number): Promise<boolean> {
  const { locks, resources, processName: process } = place;
  const invokedAt = monotonicMs();
  const result = await locks.execute(
    'cron',
    async ({ fencingToken: fence }) => {
      const key = `sql-tick-${tick}`;
      const visit = { key, fence, process, operation: tick, invokedAt, grantedAt: monotonicMs() };
      await resources.leave(visit, await resources.enter(visit));
      return true;
    },
    options,
  );
  return result === true;
}
