/** T2: processes stand still for longer than their leases, and go on as if nothing had been. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

const LEASE_MS = 400;
/** Two of them meet at the hole; the others carry the load. */
const PROCESSES = 6;

/** Random pauses under load, and the frozen reader: the case that needs a guard at the read. */
export const frozenHolders: Torture<LockGround> = {
  id: 'T2',
  fault: 'SIGSTOP for 1.1-3 leases',
  mutations: [
    { name: 'fence on write only', guard: 'write-only', caughtBy: /fenced updates lost/ },
    {
      name: 'fencing tokens that do not grow',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /return \{1, fence/,
          replace: 'return {1, 7',
        },
      ],
      caughtBy: /fenced updates lost|stale/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: PROCESSES,
      redis: () => lockRedis,
    });
    const [sleeper, successor, ...loaded] = arena.workers as [Worker, Worker, ...Worker[]];
    const load = { tasks: 3, keys: ProtectedResources.keys(4), leaseMs: LEASE_MS, waitMs: 10_000 };
    await Promise.all(loaded.map((worker) => worker.call('startLoad', load)));
    let holes = 0;
    let freezes = 0;
    const thaws: Promise<void>[] = [];
    const atTheHole = arena.during(async () => {
      const key = `${holes % 2 === 0 ? 'sql' : 'redis'}-hole-${holes++}`;
      await frozenReader(key, sleeper, successor);
    });
    const underLoad = arena.during(async () => {
      await delay(arena.random.between(0.3, 0.8) * LEASE_MS);
      const awake = loaded.filter(({ frozen }) => !frozen);
      if (awake.length <= 2) return;
      const victim = arena.random.pick(awake);
      victim.freeze();
      freezes++;
      thaws.push(delay(arena.random.between(1.1, 3) * LEASE_MS).then(() => victim.thaw()));
    });
    await Promise.all([atTheHole, underLoad]);
    await Promise.all(thaws);
    arena.workers.splice(0, 2);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const { staleRejected, regressions } = judgement;
    return arena.outcome(
      judgement,
      tally,
      { freezes, 'frozen readers': holes, 'losses told': tally.losses },
      broken(
        [staleRejected > 0, 'no stale access was rejected: the fault did not bite'],
        [regressions === 0, `${regressions} fencing tokens regressed`],
      ),
    );
  },
};

/**
 * One reads and stands still; its lease ends; another reads; the first goes on and writes, then the
 * second writes. A guard that compares when writing only accepts both.
 */
async function frozenReader(key: string, sleeper: Worker, successor: Worker): Promise<void> {
  const first = await sleeper.call('enter', key, { lease: LEASE_MS });
  sleeper.freeze();
  try {
    const second = await successor.call('enter', key, { lease: 10 * LEASE_MS, wait: 10_000 });
    sleeper.thaw();
    await sleeper.call('leave', first.handle);
    await successor.call('leave', second.handle);
  } finally {
    if (sleeper.frozen) sleeper.thaw();
  }
}
