/** T12: a cron job on six machines whose clocks differ: each tick runs once. */
import { RedisServer } from '#servers';
import { monotonicMs } from '../monotonic.js';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';

const PODS = 6;
const PERIOD_MS = 400;
/** All come within 0.3 periods; the lock is kept for 0.5, and free again before the next come. */
const SKEW_MS = 0.15 * PERIOD_MS;
const MIN_HOLD_MS = 0.5 * PERIOD_MS;
const OPTIONS = { ifLocked: 'skip', minHold: MIN_HOLD_MS, lease: '2s' };

/** A job shorter than the skew of the clocks would run on one machine after the other. */
export const cron: Torture<LockGround> = {
  id: 'T12',
  fault: 'cron on 6 pods, skewed clocks',
  mutations: [
    {
      name: 'minHold is not kept',
      edits: [
        {
          where: 'lock/scripts/release.lua',
          find: /if keep > 0 then/,
          replace: 'if false then',
        },
      ],
      caughtBy: /ticks ran more than once/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: PODS,
      redis: () => lockRedis,
      settings: { clockJumpsMs: 3_600_000 },
    });
    const count = Math.ceil((settings.seconds * 1_000) / PERIOD_MS);
    const ticks = { startAt: monotonicMs() + PERIOD_MS, periodMs: PERIOD_MS, count };
    const more = { skewMs: SKEW_MS, options: OPTIONS };
    await Promise.all(arena.workers.map((pod) => pod.call('runTicks', { ...ticks, ...more })));
    const runs = new Map<string, number>();
    for (const { key, guarded, kind } of await ground.resources.journal()) {
      if (!guarded && kind === 'write') runs.set(key, (runs.get(key) ?? 0) + 1);
    }
    const often = [...runs.values()].filter((times) => times > 1).length;
    return arena.outcome(
      await arena.judge(),
      emptyTally(),
      { ticks: count, 'ran once': runs.size - often },
      broken(
        [often === 0, `${often} ticks ran more than once`],
        [runs.size === count, `${count - runs.size} ticks did not run`],
      ),
    );
  },
};
