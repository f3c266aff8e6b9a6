/** T7: a master dies with grants its replica never saw. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisSentinelServers } from '#servers';
import type { Torture, TortureOutcome, TortureSettings } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';

const LEASE_MS = 20_000;
const PATIENCE = { lease: LEASE_MS, wait: 15_000 };

/** Two holders of one lock are possible here; two writers are not. */
export const lossyFailover: Torture<LockGround> = {
  id: 'T7',
  fault: 'Sentinel failover, replication cut before',
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
      caughtBy: /not refused|regressed|lost/,
      slow: true,
    },
  ],
  run: (ground, settings) => failover(ground, settings),
};

async function failover(ground: LockGround, settings: TortureSettings): Promise<TortureOutcome> {
  await using servers = await RedisSentinelServers.start();
  const { sentinels, name } = servers;
  await using arena = await Arena.open(ground, settings, {
    workers: 2,
    redis: () => ({ sentinels, name }),
  });
  const [before, after] = arena.workers as [Worker, Worker];
  // Both keys have a history that the replica knows.
  for (const key of KEYS) {
    const { handle } = await before.call('enter', key, PATIENCE);
    await before.call('leave', handle);
  }
  await cutReplication(servers);
  const granted = await Promise.all(KEYS.map((key) => tryEnter(before, key)));
  await servers.master.kill();
  let doubles = 0;
  let refused = 0;
  for (const [index, key] of KEYS.entries()) {
    const second = await tryEnter(after, key);
    if (second === undefined) {
      arena.countHang();
      continue;
    }
    const first = granted[index];
    if (first !== undefined) {
      doubles++;
      const { guarded } = await before.call('leave', first);
      if (guarded === 'refused') refused++;
    }
    await after.call('leave', second);
  }
  const judgement = await arena.judge();
  return arena.outcome(
    judgement,
    emptyTally(),
    { 'grants the replica did not see': granted.length, 'double grants': doubles },
    broken(
      [doubles > 0, 'no grant was lost: the fault did not bite'],
      [refused === doubles, `${doubles - refused} stale writes were not refused`],
      [judgement.regressions === 0, `${judgement.regressions} fencing tokens regressed`],
    ),
  );
}

const KEYS = ['sql-failover', 'redis-failover'];

/** A new master may need several attempts; undefined when there was no grant. */
async function tryEnter(worker: Worker, key: string): Promise<number | undefined> {
  const until = performance.now() + 15_000;
  for (;;) {
    try {
      return (await worker.call('enter', key, { lease: LEASE_MS, wait: 1_000 })).handle;
    } catch {
      if (performance.now() > until) return undefined;
      await delay(50);
    }
  }
}

/** The replica loses its link and cannot log in again: what follows, only the master knows. */
async function cutReplication({ master, replica }: RedisSentinelServers): Promise<void> {
  const [onReplica, onMaster] = [new Redis(replica.url), new Redis(master.url)];
  try {
    await onReplica.config('SET', 'masterauth', 'wrong');
    await onReplica.config('SET', 'masteruser', 'nobody');
    await onMaster.call('CLIENT', 'KILL', 'TYPE', 'replica');
    while (/master_link_status:up/.test(await onReplica.info('replication'))) await delay(2);
  } finally {
    onReplica.disconnect();
    onMaster.disconnect();
  }
}
