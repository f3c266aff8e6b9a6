/** T10: everything that happened to a lock, checked against a fenced mutex. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import { checkHistory, type Operation } from '../linearizability.js';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import { fencedMutex, type MutexInput, operationsOf } from './fenced-mutex.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';
import type { HistoryEvent } from './worker-contract.js';

const LEASE_MS = 300;
const KEYS = ['h0', 'h1'];
const MOST_KILLS = 2;

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
          find: /if owner ~= ARGV\[1\] then/,
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
      workers: 6,
      redis: () => lockRedis,
    });
    const book = new HistoryBook();
    for (const worker of arena.workers) worker.onEvent(book.record);
    const [sleeper, holder, waiter] = arena.workers.splice(0, 3) as [Worker, Worker, Worker];
    const load = { tasks: 3, keys: KEYS, leaseMs: LEASE_MS, waitMs: 3_000, holdMs: 60 };
    await Promise.all(arena.workers.map((worker) => worker.call('startHistory', load)));
    let freezes = 0;
    let kills = 0;
    let late = 0;
    const endings: Promise<void>[] = [];
    const end = async (victim: Worker): Promise<void> => {
      await delay(arena.random.between(1.1, 3) * LEASE_MS);
      if (kills === MOST_KILLS || arena.random.next() > 0.2) {
        victim.thaw();
        return;
      }
      kills++;
      await arena.kill(victim);
      const successor = await arena.addWorker();
      successor.onEvent(book.record);
      await successor.call('startHistory', load);
    };
    const atRandom = arena.during(async () => {
      await delay(arena.random.between(0.3, 1.5) * LEASE_MS);
      const awake = arena.workers.filter(({ frozen }) => !frozen);
      if (awake.length <= 1) return;
      const victim = arena.random.pick(awake);
      victim.freeze();
      freezes++;
      const ending = end(victim);
      // Awaited later, and not unhandled until then.
      ending.catch(() => {});
      endings.push(ending);
    });
    const onPurpose = arena.during(() =>
      lateRelease(`late-${late++}`, { sleeper, holder, waiter }),
    );
    await Promise.all([atRandom, onPurpose]);
    await Promise.all(endings);
    const tally = await arena.stopLoad();
    const histories = book.histories();
    const verdicts = histories.map(({ key, operations }) => ({
      key,
      verdict: checkHistory(fencedMutex, operations),
    }));
    const bad = verdicts.filter(({ verdict }) => verdict === 'not-linearizable');
    const unknown = verdicts.filter(({ verdict }) => verdict === 'unknown').length;
    return arena.outcome(
      { acknowledged: tally.sections, lostFenced: 0, lostUnfenced: 0, staleRejected: 0 },
      { ...emptyTally(), hangs: tally.hangs, unexpected: tally.unexpected },
      {
        operations: histories.reduce((sum, { operations }) => sum + operations.length, 0),
        freezes,
        kills,
        'late releases': late,
      },
      broken(
        [bad.length === 0, `not linearizable: ${bad.map(({ key }) => key).join(', ')}`],
        [unknown === 0, `${unknown} histories were too hard to check`],
      ),
    );
  },
};

/** What all processes told, by key. */
class HistoryBook {
  readonly #events = new Map<string, HistoryEvent[]>();

  readonly record = (event: unknown): void => {
    const told = event as HistoryEvent;
    const ofKey = this.#events.get(told.key);
    if (ofKey) ofKey.push(told);
    else this.#events.set(told.key, [told]);
  };

  histories(): { readonly key: string; readonly operations: Operation<MutexInput>[] }[] {
    return [...this.#events].map(([key, events]) => ({ key, operations: operationsOf(events) }));
  }
}

/** One stands still beyond its lease and releases what another holds by then; a third one waits. */
async function lateRelease(
  key: string,
  { sleeper, holder, waiter }: Record<'sleeper' | 'holder' | 'waiter', Worker>,
): Promise<void> {
  const first = await sleeper.call('acquire', key, { lease: LEASE_MS });
  sleeper.freeze();
  const second = await holder.call('acquire', key, { lease: 20 * LEASE_MS, wait: 5_000 });
  const waiting = waiter.call('acquire', key, { lease: LEASE_MS, wait: 5_000 });
  await delay(LEASE_MS / 6);
  sleeper.thaw();
  if (first) await sleeper.call('release', first.handle);
  await delay(LEASE_MS / 3);
  if (second) await holder.call('release', second.handle);
  const third = await waiting;
  if (third) await waiter.call('release', third.handle);
}
