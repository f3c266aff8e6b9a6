/** T6: Redis stands still for four leases: every holder must know by its deadline. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';
import type { LossTiming } from './worker-contract.js';

const LEASE_MS = 600;
const HELD_PER_PROCESS = 10;
const LATE_MS = 20;

/** `signal` aborts at the deadline, whatever the socket does. */
export const frozenRedis: Torture<LockGround> = {
  id: 'T6',
  fault: 'Redis SIGSTOP for 4 leases',
  mutations: [
    {
      name: 'no deadline timer',
      edits: [
        {
          where: 'lock',
          find: /else\s+charge\.lease\.lose\('expired'\)/,
          replace: '',
        },
      ],
      caughtBy: /signal/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 3,
      redis: () => lockRedis,
    });
    const keys = ProtectedResources.keys(2);
    await arena.startLoad({ tasks: 1, keys, leaseMs: LEASE_MS, waitMs: 5_000 });
    const timings: LossTiming[] = [];
    let round = 0;
    await arena.during(async () => {
      round++;
      await Promise.all(
        arena.workers.map((worker) =>
          worker.call('holdAll', names(worker.name, round), { lease: LEASE_MS }),
        ),
      );
      // Long enough for renewals, so that the deadline is no longer that of the acquisition.
      await delay(arena.random.between(0.5, 1.5) * LEASE_MS);
      await redis.freeze();
      const lost = arena.workers.map((worker) => worker.call('losses', 2 * LEASE_MS));
      await Promise.all([delay(4 * LEASE_MS), ...lost]);
      await redis.thaw();
      timings.push(...(await Promise.all(lost)).flat());
    });
    const tally = await arena.stopLoad();
    const late = timings.map(({ lateMs }) => lateMs ?? Infinity);
    const blamed = timings.map(({ lateMs, lagMs }) => (lateMs ?? Infinity) - lagMs);
    const tooLate = blamed.filter((ms) => ms > LATE_MS).length;
    return arena.outcome(
      await arena.judge(),
      tally,
      {
        freezes: round,
        holders: timings.length,
        'signal late p100, ms': Math.round(Math.max(...late)),
        'of that beyond a plain timer, ms': Math.round(Math.max(...blamed)),
      },
      broken([
        tooLate === 0,
        `${tooLate} of ${timings.length} signals came over ${LATE_MS} ms after the deadline`,
      ]),
    );
  },
};

function names(worker: string, round: number): string[] {
  return Array.from({ length: HELD_PER_PROCESS }, (_, n) => `held-${worker}-${round}-${n}`);
}
