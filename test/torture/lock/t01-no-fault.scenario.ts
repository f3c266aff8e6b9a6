/** T1: nothing goes wrong. Whatever fails here fails everywhere. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

const PROCESSES = 4;

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
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: PROCESSES,
      redis: () => lockRedis,
    });
    await arena.startLoad({
      tasks: 4,
      keys: ProtectedResources.keys(4),
      leaseMs: 5_000,
      waitMs: 10_000,
    });
    await delay(settings.seconds * 1_000);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { overlaps, disorder, regressions, lostUnfenced, staleRejected } = judgement;
    const { losses, waitTimeouts, backendErrors } = tally;
    return arena.outcome(
      judgement,
      tally,
      { overlaps, 'tokens out of order': disorder },
      broken(
        [overlaps === 0, `${overlaps} overlapping sections`],
        [lostUnfenced === 0, `${lostUnfenced} updates lost although nothing failed`],
        [disorder === 0, `${disorder} fencing tokens out of order`],
        [regressions === 0, `${regressions} fencing tokens regressed`],
        [staleRejected === 0, `${staleRejected} sections refused although nothing failed`],
        [losses + backendErrors === 0, `${losses} losses, ${backendErrors} backend errors`],
        [waitTimeouts === 0, `${waitTimeouts} waits of 10 s were not enough`],
      ),
    );
  },
};
