/** T11: readers and writers, and permits, while their holders are killed. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import { concurrency } from './journal-judge.js';
import type { LockGround } from './lock-ground.js';
import type { JournalEntry } from './resource.js';
import type { Load } from './worker-contract.js';

const LEASE_MS = 500;
const PERMITS = 5;
/** A writer waits for the lease of a dead reader, and for the place of a dead writer in the queue. */
const WRITER_WAIT_MS = LEASE_MS + 3_500;

/** Nobody reads what is being written; a dead reader costs its lease; writers do not starve. */
export const readersAndWriters: Torture<LockGround> = {
  id: 'T11',
  fault: 'readers killed beside writers (mode shared)',
  mutations: [
    {
      name: 'readers do not look at writers',
      edits: [
        {
          where: 'lock/scripts/acquire-shared.lua',
          find: /if written or patience then/,
          replace: 'if false then',
        },
      ],
      caughtBy: /overlap a writer/,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => lockRedis,
    });
    const common = { keys: ['sql-rw', 'redis-rw'], leaseMs: LEASE_MS, waitMs: 10_000 };
    const readers: Load = { ...common, tasks: 10, readOnly: true, options: { mode: 'shared' } };
    const writers = arena.workers.slice(0, 1);
    const start = arena.workers.map((worker) =>
      worker.call('startLoad', writers.includes(worker) ? { ...common, tasks: 2 } : readers),
    );
    await Promise.all(start);
    const kills = await killAgainAndAgain(arena, writers.length, readers);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const waits = writerWaits(await ground.resources.journal());
    const p99 = waits[Math.floor(waits.length * 0.99)] ?? Infinity;
    return arena.outcome(
      judgement,
      tally,
      { kills, writes: waits.length, 'writer wait p99, ms': Math.round(p99) },
      broken(
        [judgement.overlaps === 0, `${judgement.overlaps} sections overlap a writer`],
        [p99 <= WRITER_WAIT_MS, `writers wait ${p99} ms`],
      ),
    );
  },
};

/** Never more than the limit at the resource, and a dead holder's permit comes back. */
export const semaphorePermits: Torture<LockGround> = {
  id: 'T11S',
  fault: 'holders of a semaphore killed',
  mutations: [
    {
      name: 'one permit too many',
      edits: [
        {
          where: 'lock/scripts/acquire-permit.lua',
          find: /local limit = tonumber\(ARGV\[3\]\)/,
          replace: '$& + 1',
        },
      ],
      caughtBy: /at once with/,
    },
    {
      name: 'permits without end',
      edits: [
        {
          where: 'lock/scripts/acquire-permit.lua',
          find: /lease_until\(KEYS\[1\], me, now \+ ARGV\[2\]\)/,
          replace: 'lease_until(KEYS[1], me, now + 20000)',
        },
      ],
      caughtBy: /waits|only/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 4,
      redis: () => lockRedis,
      settings: { clockJumpsMs: 3_600_000 },
    });
    const common = { keys: ['sql-permits', 'redis-permits'], tasks: 6, permits: PERMITS };
    const load: Load = { ...common, leaseMs: LEASE_MS, waitMs: 10_000 };
    await arena.startLoad(load);
    const kills = await killAgainAndAgain(arena, 0, load);
    const tally = await arena.stopLoad();
    const judgement = await arena.judge();
    const most = concurrency(await ground.resources.journal());
    return arena.outcome(
      // Several write at once by design: updates get lost, and that is not the lock's fault.
      { ...judgement, lostFenced: 0 },
      tally,
      { kills, 'most at once': most, 'waits over': tally.waitTimeouts },
      broken(
        [most <= PERMITS, `${most} at once with ${PERMITS} permits`],
        [most === PERMITS, `only ${most} at once with ${PERMITS} permits`],
        [tally.waitTimeouts === 0, `${tally.waitTimeouts} waits of 10 s were not enough`],
      ),
    );
  },
};

/** Kills a process beside the first `spared` and starts another, while the run lasts. */
async function killAgainAndAgain(arena: Arena, spared: number, load: Load): Promise<number> {
  let kills = 0;
  await arena.during(async () => {
    await delay(arena.random.between(300, 900));
    await arena.kill(arena.random.pick(arena.workers.slice(spared)));
    kills++;
    await (await arena.addWorker()).call('startLoad', load);
  });
  return kills;
}

function writerWaits(journal: readonly JournalEntry[]): number[] {
  return journal
    .filter(({ guarded, kind }) => !guarded && kind === 'write')
    .map(({ invokedAt, grantedAt }) => grantedAt - invokedAt)
    .toSorted((a, b) => a - b);
}
