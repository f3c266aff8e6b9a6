/** Storms as figures: how long, how many commands, how fast the lock changed hands, in what order. */
import type { Figures } from '../../harness/figures.js';
import { inversions, median, percentile, rounded } from '../../harness/statistics.js';
import type { Hold, Storm } from './storm.js';

/**
 * @param runs the same experiment several times, each as one storm per process
 * @throws Error when two held the lock at the same time: whatever was fast, it was no lock
 */
export function stormFigures(runs: readonly (readonly Storm[])[]): Figures {
  const gaps = runs.flatMap((storms) => gapsOf(storms));
  const holdsOf = (storms: readonly Storm[]): number =>
    storms.reduce((sum, { holds }) => sum + holds.length, 0);
  const total = (storms: readonly Storm[]): number =>
    Math.max(...storms.map(({ endedAt }) => endedAt)) -
    Math.min(...storms.map(({ startedAt }) => startedAt));
  const perHandoff = (storms: readonly Storm[]): number =>
    storms.reduce((sum, { commands }) => sum + commands, 0) / holdsOf(storms);
  return {
    totalMs: rounded(median(runs.map(total))),
    fastestMs: rounded(Math.min(...runs.map(total))),
    commandsPerHandoff: rounded(median(runs.map(perHandoff))),
    handoffP50Ms: rounded(percentile(gaps, 0.5)),
    handoffP99Ms: rounded(percentile(gaps, 0.99)),
    inversions: median(runs.map((storms) => sum(storms.map(outOfOrder)))),
    sectionMs: rounded(median(runs.map(sectionsOf))),
    runs: runs.length,
  };
}

/** From one holder's call of release to the next one's acquisition, whichever process it is in. */
function gapsOf(storms: readonly Storm[]): number[] {
  const holds = byTime(storms.flatMap((storm) => storm.holds));
  return holds.slice(1).map(({ acquiredAt }, index) => {
    const gap = acquiredAt - (holds[index] as Hold).releasedAt;
    if (gap < 0) throw new Error(`two held the lock at the same time, for ${-gap} ms`);
    return gap;
  });
}

/** Only of one process: who came first in different processes, nobody can say. */
function outOfOrder({ holds }: Storm): number {
  return inversions(byTime(holds).map(({ waiter }) => waiter));
}

/** What the critical sections alone took: less than that, no lock can. */
function sectionsOf(storms: readonly Storm[]): number {
  const holds = storms.flatMap((storm) => storm.holds);
  return sum(holds.map(({ acquiredAt, releasedAt }) => releasedAt - acquiredAt));
}

function byTime(holds: readonly Hold[]): Hold[] {
  return holds.toSorted((a, b) => a.acquiredAt - b.acquiredAt);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
