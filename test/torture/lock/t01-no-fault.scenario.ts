/** T1: nothing goes wrong. Whatever fails here fails everywhere. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';
import type { JournalEntry } from './resource.js';

const PROCESSES = 5;
/** These fight for one key whose waiters must be served in order. */
const STRICT_PROCESSES = 2;
const STRICT = 'redis-strict';
/** Who asked so much earlier must be served earlier, or has been overtaken. */
const OVERTAKEN_MS = 50;

/** Processes fight for a few keys: no overlap, tokens in the order of the grants. */
export const noFault: Torture<LockGround> = {
  id: 'T1',
  fault: 'none',
  mutations: [
    {
      name: 'acquire without a look at the holder',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /local owner = redis\.call\('GET', KEYS\[1\]\)(?=\nif|\nlocal)/,
          replace: 'local owner = false',
        },
      ],
      caughtBy: /overlap/,
    },
    {
      name: 'acquire without a look at the queue',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /if owner or \(first and first ~= me\) then/,
          replace: 'if owner then',
        },
      ],
      caughtBy: /overtaken/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: PROCESSES,
      redis: () => lockRedis,
    });
    const load = { leaseMs: 5_000, waitMs: 10_000 };
    const any = { ...load, tasks: 4, keys: ProtectedResources.keys(4) };
    const inOrder = { ...load, tasks: 10, keys: [STRICT], options: { fairness: 'strict' } };
    await Promise.all(
      arena.workers.map((worker, n) =>
        worker.call('startLoad', n < STRICT_PROCESSES ? inOrder : any),
      ),
    );
    await delay(settings.seconds * 1_000);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { overlaps, disorder, regressions, lostUnfenced, staleRejected } = judgement;
    const overtakes = countOvertakes(await ground.resources.journal());
    const { losses, waitTimeouts, backendErrors } = tally;
    return arena.outcome(
      judgement,
      tally,
      { overlaps, 'tokens out of order': disorder, 'overtaken in strict order': overtakes },
      broken(
        [overlaps === 0, `${overlaps} overlapping sections`],
        [lostUnfenced === 0, `${lostUnfenced} updates lost although nothing failed`],
        [disorder === 0, `${disorder} fencing tokens out of order`],
        [overtakes === 0, `${overtakes} waiters were overtaken in strict order`],
        [regressions === 0, `${regressions} fencing tokens regressed`],
        [staleRejected === 0, `${staleRejected} sections refused although nothing failed`],
        [losses + backendErrors === 0, `${losses} losses, ${backendErrors} backend errors`],
        [waitTimeouts === 0, `${waitTimeouts} waits of 10 s were not enough`],
      ),
    );
  },
};

/** Grants after one that was asked for clearly later. */
function countOvertakes(journal: readonly JournalEntry[]): number {
  let latest = 0;
  return journal
    .filter(({ key, kind, guarded }) => key === STRICT && kind === 'read' && guarded)
    .toSorted((a, b) => a.grantedAt - b.grantedAt)
    .filter(({ invokedAt }) => {
      const overtaken = invokedAt + OVERTAKEN_MS < latest;
      latest = Math.max(latest, invokedAt);
      return overtaken;
    }).length;
}
