/** T9: event loops that stand still for two leases, on machines whose wall clocks jump by an hour. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

const LEASE_MS = 300;
const HOUR_MS = 3_600_000;

/** The statement after a stall must know; no clock but the monotonic one may matter. */
export const lyingClocks: Torture<LockGround> = {
  id: 'T9',
  fault: 'event loop blocked for 2 leases, Date +-1 h',
  mutations: [
    {
      name: 'leases on the wall clock',
      edits: [
        {
          where: 'time',
          find: /now\(\) \{\s*return performance\.now\(\);/,
          replace: 'now() { return Date.now();',
        },
      ],
      caughtBy: /claimed to be held/,
      slow: true,
    },
    {
      name: 'a loss only the timer finds',
      edits: [
        {
          where: 'lock',
          find: /if \(!this\.#loss && this\.#deadline <= this\.clock\.now\(\)\)/,
          replace: 'if (false)',
        },
      ],
      caughtBy: /claimed to be held/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => lockRedis,
      settings: { clockJumpsMs: HOUR_MS },
    });
    await arena.startLoad({
      tasks: 2,
      keys: ProtectedResources.keys(4),
      leaseMs: LEASE_MS,
      waitMs: 5_000,
      checkHeld: true,
      stall: { probability: 0.01, ms: 2 * LEASE_MS },
    });
    await delay(settings.seconds * 1_000);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { abandoned, missedLosses, losses } = tally;
    return arena.outcome(
      judgement,
      tally,
      { 'sections abandoned': abandoned, 'losses told': losses },
      broken(
        [abandoned > 0, 'nobody lost a lock: the fault did not bite'],
        [missedLosses === 0, `${missedLosses} locks claimed to be held after two leases`],
        [judgement.regressions === 0, `${judgement.regressions} fencing tokens regressed`],
      ),
    );
  },
};
