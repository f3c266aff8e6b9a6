/** T4: a Redis that forgets: restarts, flushes, cut clients, pauses. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';

const LEASE_MS = 600;

/** Sections must not be lost behind the guard, and tokens never regress, although the server forgot. */
export const forgetfulRedis: Torture<LockGround> = {
  id: 'T4',
  fault: 'restart, FLUSHALL, SCRIPT FLUSH, CLIENT KILL, CLIENT PAUSE',
  mutations: [
    {
      name: 'tokens counted by INCR alone',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /time\[1\] \* 1000000 \+ time\[2\]/,
          replace: '0',
        },
      ],
      caughtBy: /regressed/,
    },
    {
      name: 'no EVAL after NOSCRIPT',
      edits: [{ where: 'redis', find: /NOSCRIPT/, replace: 'NEVER' }],
      caughtBy: /backend errors|nothing/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => lockRedis,
      settings: { lock: { commandTimeout: '300ms' } },
    });
    const operator = new Redis(redis.url, { retryStrategy: () => 20 });
    operator.on('error', () => {});
    try {
      const keys = ProtectedResources.keys(4);
      await arena.startLoad({ tasks: 3, keys, leaseMs: LEASE_MS, waitMs: 5_000 });
      const scripts = setInterval(() => void operator.script('FLUSH').catch(() => {}), 50);
      const faults: Record<string, () => Promise<unknown>> = {
        restart: async () => {
          await redis.kill();
          await redis.restart();
        },
        flushall: () => operator.flushall(),
        'kill normal': () => operator.call('CLIENT', 'KILL', 'TYPE', 'normal'),
        'kill pubsub': () => operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
        pause: () => operator.call('CLIENT', 'PAUSE', 200, 'ALL'),
      };
      const counts: Record<string, number> = {};
      const names = Object.keys(faults);
      let round = 0;
      await arena.during(async () => {
        await delay(arena.random.between(50, 400));
        // Each once, then at random.
        const name = names[round++] ?? arena.random.pick(names);
        counts[name] = (counts[name] ?? 0) + 1;
        await faults[name]?.().catch(() => {});
      });
      clearInterval(scripts);
      const tally = await arena.stopLoad();
      const judgement = await arena.judge();
      const { regressions } = judgement;
      const { losses, backendErrors, sections } = tally;
      return arena.outcome(
        judgement,
        tally,
        { ...counts, 'losses told': losses, 'backend errors': backendErrors },
        broken(
          [regressions === 0, `${regressions} fencing tokens regressed`],
          [backendErrors < sections, `${backendErrors} backend errors, ${sections} sections`],
        ),
      );
    } finally {
      operator.disconnect();
    }
  },
};
