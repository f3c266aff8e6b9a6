/** T3: kill -9 of a holder, and of fifty waiters in front of a live one. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from '#servers';
import { monotonicMs } from '../monotonic.js';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { ProtectedResources } from './protected-resources.js';
import type { Held } from './worker-contract.js';

const LEASE_MS = 500;
const WAITERS = 50;
const PATIENCE = { wait: 4_000, lease: LEASE_MS };
/** What the dead may cost beyond the lease; and how long dead waiters may stand in line. */
const AFTER_HOLDER_MS = LEASE_MS + 50;
const AFTER_WAITERS_MS = 3_500;

/** The dead cost a lease, and never a hang. */
export const killedProcesses: Torture<LockGround> = {
  id: 'T3',
  fault: 'SIGKILL of a holder and of 50 waiters',
  mutations: [
    {
      name: 'dead waiters stay in the queue',
      edits: [
        { where: 'lock/scripts/queue.lua', find: /if patience > 0 then/, replace: 'if true then' },
      ],
      caughtBy: /after dead waiters/,
    },
    {
      name: 'leases ten times as long',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /'PX', ARGV\[2\]\)/,
          replace: "'PX', ARGV[2] * 10)",
        },
      ],
      caughtBy: /after a dead holder/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 3,
      redis: () => lockRedis,
    });
    const [guard, heir, loaded] = arena.workers as [Worker, Worker, Worker];
    const keys = ProtectedResources.keys(2);
    await loaded.call('startLoad', { tasks: 2, keys, leaseMs: LEASE_MS, waitMs: 5_000 });
    const afterHolder: number[] = [];
    const afterWaiters: number[] = [];
    await arena.during(async () => {
      const victim = await arena.addWorker();
      const round = afterHolder.length;
      const [orphaned, queued] = [`sql-orphan-${round}`, `redis-queue-${round}`];
      await victim.call('enter', orphaned, { lease: LEASE_MS });
      const guarded = await guard.call('acquire', queued, { lease: 20_000 });
      await victim.call('queue', queued, WAITERS, { wait: 20_000, lease: LEASE_MS });
      await delay(150);
      const next = heir.call('acquire', orphaned, PATIENCE);
      const last = heir.call('acquire', queued, PATIENCE);
      await delay(100);
      const killedAt = monotonicMs();
      await arena.kill(victim);
      if (guarded) await guard.call('release', guarded.handle);
      afterHolder.push(lateness(await next, killedAt, AFTER_HOLDER_MS));
      afterWaiters.push(lateness(await last, killedAt, AFTER_WAITERS_MS));
      for (const lock of [await next, await last])
        if (lock) await heir.call('release', lock.handle);
    });
    arena.workers.splice(0, 2);
    const tally = await arena.stopLoad();
    const leaks = await keysWithoutEnd(redis.url);
    const worstHolder = Math.max(...afterHolder);
    const worstWaiters = Math.max(...afterWaiters);
    return arena.outcome(
      await arena.judge(),
      tally,
      {
        kills: afterHolder.length,
        'worst after a dead holder, ms over the limit': Math.round(worstHolder),
        'worst after dead waiters, ms over the limit': Math.round(worstWaiters),
      },
      broken(
        [worstHolder <= 0, `${worstHolder} ms too late after a dead holder`],
        [worstWaiters <= 0, `${worstWaiters} ms too late after dead waiters`],
        [leaks.length === 0, `keys that never end: ${leaks.join(', ')}`],
      ),
    );
  },
};

/** Milliseconds beyond `limitMs` after the kill, without what the machine itself was late. */
function lateness(lock: Held | null, killedAt: number, limitMs: number): number {
  return lock ? lock.grantedAt - killedAt - limitMs - lock.lagMs : Infinity;
}

async function keysWithoutEnd(url: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys('*');
    const ttls = await Promise.all(keys.map((key) => redis.pttl(key)));
    return keys.filter((_, index) => ttls[index] === -1);
  } finally {
    redis.disconnect();
  }
}
