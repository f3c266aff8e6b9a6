/** T13: the leader of an election is shut down, killed, frozen and blocked: somebody leads, nobody twice. */
import { setTimeout as delay } from 'node:timers/promises';
import { RedisServer } from '#servers';
import { monotonicMs } from '../monotonic.js';
import type { Torture } from '../torture.js';
import { Arena, broken, type Worker } from './arena.js';
import { judge } from './journal-judge.js';
import type { LockGround } from './lock-ground.js';
import { emptyTally } from './section-load.js';

const LEASE_MS = 1_200;
const PROCESSES = 3;
/** What a busy machine may cost. */
const SLACK_MS = 500;
const AFTER_SHUTDOWN_MS = SLACK_MS;
const AFTER_DEATH_MS = LEASE_MS + SLACK_MS;
/** Who does not lead by then never will. */
const PATIENCE_MS = 4 * LEASE_MS;
const POLL_MS = 5;
/** Touched while nobody stands still: at most one process at a time, even without a guard. */
const CALM = 'sql-calm';

/** Stages: with calm processes nothing overlaps at all; with frozen ones nothing behind the fence. */
export const leaders: Torture<LockGround> = {
  id: 'T13',
  fault: 'leaders shut down, killed, frozen',
  mutations: [
    {
      name: 'no resignation at shutdown',
      edits: [
        {
          where: 'lock/lock.service.js',
          find: /= this\.#elections\.close\(\)/,
          replace: '= undefined',
        },
      ],
      caughtBy: /after a shutdown/,
      slow: true,
    },
    {
      name: 'no campaign after a loss',
      edits: [
        {
          where: 'lock/candidacy.js',
          find: /(await this\.#lead\(.*\);)/,
          replace: '{ $1 return; }',
        },
      ],
      caughtBy: /was not elected again|after a death/,
      slow: true,
    },
    {
      name: 'a flag says who leads',
      edits: [
        {
          where: 'lock/leadership.js',
          find: /return !this\.#stepsDown && .*;/,
          replace: 'return !this.#stepsDown;',
        },
      ],
      caughtBy: /claimed to lead/,
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
    const tally = emptyTally();
    const stopLoad = async (): Promise<void> => {
      const { sections, losses, hangs, unexpected } = await arena.stopLoad();
      tally.sections += sections;
      tally.losses += losses;
      tally.hangs += hangs;
      tally.unexpected.push(...unexpected);
    };

    const afterShutdown: number[] = [];
    const afterDeath: number[] = [];
    await lead(arena.workers, CALM);
    await rounds(settings.seconds / 2, async () => {
      const leaving = await leaderOf(arena.workers);
      const closed = monotonicMs();
      const closing = leaving.call('close');
      const rest = arena.workers.filter((worker) => worker !== leaving);
      afterShutdown.push(monotonicMs() - closed + (await elected(rest)));
      await closing;
      await arena.kill(leaving);
      await lead([await arena.addWorker()], CALM);

      const dying = await leaderOf(arena.workers);
      await arena.kill(dying);
      afterDeath.push(await elected(arena.workers));
      await lead([await arena.addWorker()], CALM);
    });
    await stopLoad();

    let freezes = 0;
    let claims = 0;
    let deposed = arena.workers[0] as Worker;
    await lead(arena.workers, 'redis-frozen');
    await rounds(settings.seconds / 2, async () => {
      deposed = await leaderOf(arena.workers);
      deposed.freeze();
      freezes++;
      const thawed = delay(arena.random.between(1.1, 2) * LEASE_MS).then(() => deposed.thaw());
      const awake = arena.workers.filter((worker) => worker !== deposed);
      afterDeath.push(await elected(awake));
      await thawed;
      const blocked = await leaderOf(awake);
      if (await blocked.call('claimsAfter', 1.2 * LEASE_MS)) claims++;
    });
    // Whoever was deposed last is left alone: if it campaigns, it leads.
    const others = arena.workers.filter((worker) => worker !== deposed);
    for (const worker of others) await arena.kill(worker);
    const again = await elected([deposed]);
    await stopLoad();

    const calm = judge((await ground.resources.journal()).filter(({ key }) => key === CALM));
    const worst = { shutdown: Math.max(...afterShutdown), death: Math.max(...afterDeath) };
    return arena.outcome(
      await arena.judge(),
      tally,
      {
        'shutdowns and kills': afterShutdown.length,
        freezes,
        'led next after a shutdown, ms': Math.round(worst.shutdown),
        'after a death, ms': Math.round(worst.death),
        'losses told': tally.losses,
      },
      broken(
        [
          worst.shutdown <= AFTER_SHUTDOWN_MS,
          `${worst.shutdown} ms without leader after a shutdown`,
        ],
        [worst.death <= AFTER_DEATH_MS, `${worst.death} ms without leader after a death`],
        [again < Infinity, 'a deposed leader was not elected again'],
        [claims === 0, `${claims} blocked processes claimed to lead after their lease`],
        [calm.overlaps === 0, `${calm.overlaps} leaders at once without anybody frozen`],
      ),
    );
  },
};

async function lead(workers: readonly Worker[], key: string): Promise<void> {
  const settings = { key, leaseMs: LEASE_MS };
  await Promise.all(workers.map((worker) => worker.call('startLeading', settings)));
}

/** `step` at least once. */
async function rounds(seconds: number, step: () => Promise<void>): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  do await step();
  while (performance.now() < until);
}

/** Milliseconds until one of them leads. */
async function elected(workers: readonly Worker[]): Promise<number> {
  const start = performance.now();
  return (await findLeader(workers)) ? performance.now() - start : Infinity;
}

async function leaderOf(workers: readonly Worker[]): Promise<Worker> {
  // The torture goes on with anybody: that nobody led is told by the figures.
  return (await findLeader(workers)) ?? (workers[0] as Worker);
}

async function findLeader(workers: readonly Worker[]): Promise<Worker | undefined> {
  for (const start = performance.now(); performance.now() - start < PATIENCE_MS;) {
    const claims = await Promise.all(workers.map((worker) => worker.call('leads')));
    const leader = workers[claims.indexOf(true)];
    if (leader) return leader;
    await delay(POLL_MS);
  }
  return undefined;
}
