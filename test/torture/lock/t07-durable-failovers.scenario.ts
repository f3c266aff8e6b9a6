/** T7D: as T7, with grants that wait for the replica; as many failovers as there is time for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import { FailoverPair } from './failover-pair.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';

const LEASE_MS = 20_000;
const KEYS_PER_ROUND = 4;
/** Grants are asked for, and the stream is cut, at some time within this. */
const ROUND_MS = 40;
/** A process that finds the new master takes less. */
const DECIDED_WITHIN_MS = 10_000;

/** No second holder, and nothing lost at a resource that has no guard. */
export const durableFailovers: Torture<LockGround> = {
  id: 'T7D',
  fault: 'lossy failovers with durability: { replicas: 1 }',
  mutations: [
    {
      name: 'a grant that no replica has counts',
      edits: [
        {
          where: 'lock/replicated-locks.js',
          find: /reply\.replicas >= this\.scripts\.replicas/,
          replace: 'true',
        },
      ],
      caughtBy: /double grants/,
    },
  ],
  async run(ground, settings) {
    await using pair = await FailoverPair.start();
    await using arena = await Arena.open(ground, settings, {
      workers: 2,
      redis: () => ({ url: pair.url }),
      settings: { lock: { durability: { replicas: 1 } } },
    });
    const counts = { failovers: 0, granted: 0, refused: 0, 'double grants': 0 };
    let stale = 0;
    await arena.during(async () => {
      const [one, other] = arena.workers as [Worker, Worker];
      const [before, after] = counts.failovers % 2 === 0 ? [one, other] : [other, one];
      const keys = Array.from({ length: KEYS_PER_ROUND }, (_, index) => {
        const resource = index % 2 === 0 ? 'sql' : 'redis';
        return `${resource}-failover-${counts.failovers}-${index}`;
      });
      const cutting = delay(arena.random.between(0, ROUND_MS)).then(() => pair.cut());
      const first = await Promise.all(
        keys.map(async (key) => {
          await delay(arena.random.between(0, ROUND_MS));
          return await enter(before, key, 0);
        }),
      );
      await cutting;
      await pair.promote();
      await pair.repair();
      const second = await Promise.all(keys.map((key) => enter(after, key, DECIDED_WITHIN_MS)));
      counts.failovers++;
      for (const index of keys.keys()) {
        const [holder, late] = [first[index], second[index]];
        if (late === 'undecided') arena.countHang();
        if (isHeld(holder)) counts.granted++;
        else counts.refused++;
        if (isHeld(late)) await after.call('leave', late);
        if (!isHeld(holder)) continue;
        const { guarded } = await before.call('leave', holder);
        if (!isHeld(late)) continue;
        counts['double grants']++;
        if (guarded === 'refused') stale++;
      }
    });
    const judgement = await arena.judge();
    const doubles = counts['double grants'];
    return arena.outcome(
      judgement,
      emptyTally(),
      counts,
      broken(
        [doubles === 0, `${doubles} double grants in ${counts.failovers} failovers`],
        [judgement.overlaps === 0, `${judgement.overlaps} overlapping sections`],
        [judgement.lostUnfenced === 0, `${judgement.lostUnfenced} updates lost without guard`],
        [counts.granted > 0, 'nothing was granted before a failover'],
        [counts.refused > 0, 'no grant came after the cut: the fault did not bite'],
        [stale === doubles, `${doubles - stale} stale writes were not refused`],
      ),
    );
  },
};

/** A section's handle, or why there is none. */
type Entered = number | 'taken' | 'undecided';

const isHeld = (entered: Entered | undefined): entered is number => typeof entered === 'number';

/** Asks until the store answers, for so long. */
async function enter(worker: Worker, key: string, patienceMs: number): Promise<Entered> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return (await worker.call('enter', key, { lease: LEASE_MS, wait: 0 })).handle;
    } catch (error) {
      if (/was not free/.test(String(error))) return 'taken';
      if (!/The lock store is not usable/.test(String(error))) throw error;
      if (performance.now() > until) return 'undecided';
      await delay(10);
    }
  }
}
