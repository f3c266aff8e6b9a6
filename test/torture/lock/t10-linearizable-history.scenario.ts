/** T10: everything that happened to a lock, checked against a fenced mutex. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import { checkHistory } from '../linearizability.js';
import type { Torture } from '../torture.js';
import { Arena, broken } from './arena.js';
import { fencedMutex, operationsOf } from './fenced-mutex.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';
import type { HistoryEvent } from './worker-contract.js';

const LEASE_MS = 300;
const KEYS = ['h0', 'h1', 'h2'];

/** Processes are frozen and killed while they acquire and release; Redis is well. */
export const linearizableHistory: Torture<LockGround> = {
  id: 'T10',
  fault: 'SIGSTOP and SIGKILL, history checked against a fenced mutex',
  mutations: [
    {
      name: 'release without a look at the token',
      edits: [
        {
          where: 'lock/scripts/release.lua',
          find: /if redis\.call\('GET', KEYS\[1\]\) ~= ARGV\[1\] then/,
          replace: 'if false then',
        },
      ],
      caughtBy: /not linearizable/,
    },
    {
      name: 'a lease that ends early in the store',
      edits: [
        {
          where: 'lock/scripts/acquire.lua',
          find: /'PX', ARGV\[2\]\)/,
          replace: "'PX', math.floor(ARGV[2] / 5))",
        },
      ],
      caughtBy: /not linearizable/,
      slow: true,
    },
  ],
  async run(ground, settings) {
    await using redis = await RedisServer.start();
    const lockRedis = { url: redis.url };
    await using arena = await Arena.open(ground, settings, {
      workers: 5,
      redis: () => lockRedis,
    });
    const events = new Map<string, HistoryEvent[]>(KEYS.map((key) => [key, []]));
    const record = (event: unknown): void => {
      const told = event as HistoryEvent;
      events.get(told.key)?.push(told);
    };
    const load = { tasks: 3, keys: KEYS, leaseMs: LEASE_MS, waitMs: 10_000, holdMs: 60 };
    const start = async (worker: (typeof arena.workers)[number]): Promise<void> => {
      worker.onEvent(record);
      await worker.call('startHistory', load);
    };
    await Promise.all(arena.workers.map(start));
    let freezes = 0;
    let kills = 0;
    const endings: Promise<void>[] = [];
    await arena.during(async () => {
      await delay(arena.random.between(0.3, 1.5) * LEASE_MS);
      const awake = arena.workers.filter(({ frozen }) => !frozen);
      if (awake.length <= 2) return;
      const victim = arena.random.pick(awake);
      victim.freeze();
      freezes++;
      const ending = delay(arena.random.between(1.1, 3) * LEASE_MS).then(async () => {
        if (kills < 2 && arena.random.next() < 0.2) {
          kills++;
          await arena.kill(victim);
          await start(await arena.addWorker());
        } else {
          victim.thaw();
        }
      });
      endings.push(ending);
    });
    await Promise.all(endings);
    const tally = await arena.stopLoad();
    const histories = [...events.values()].map(operationsOf);
    const verdicts = histories.map((operations) => checkHistory(fencedMutex, operations));
    const bad = KEYS.filter((_, index) => verdicts[index] === 'not-linearizable');
    const unknown = verdicts.filter((verdict) => verdict === 'unknown').length;
    const acknowledged = tally.sections;
    return arena.outcome(
      { acknowledged, lostFenced: 0, lostUnfenced: 0, staleRejected: 0 },
      { ...emptyTally(), hangs: tally.hangs, unexpected: tally.unexpected },
      {
        operations: histories.reduce((sum, { length }) => sum + length, 0),
        freezes,
        kills,
        'releases of lost locks': tally.losses,
      },
      broken(
        [bad.length === 0, `the history of ${bad.join(', ')} is not linearizable`],
        [unknown === 0, `${unknown} histories were too hard to check`],
        [tally.losses > 0, 'nobody lost a lock: the fault did not bite'],
      ),
    );
  },
};
