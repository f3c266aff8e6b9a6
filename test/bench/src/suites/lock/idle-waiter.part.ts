/** A hundred waiters on a lock held elsewhere: what does waiting cost Redis? */
import type { Figures } from '../../harness/figures.js';
import { rounded } from '../../harness/statistics.js';
import { BenchWorker } from '../../harness/worker.js';
import type { Part } from '../../suite.js';
import { WAITING } from './contenders/index.js';
import type { Idle, LockAnswer, LockJob } from './lock.worker.js';

const WAITERS = 100;
const SETTLE_MS = 1_000;
const COUNT_MS = 5_000;

/** Everybody at the same time, each in a process of his own, on a key of his own. */
export const idleWaiter: Part = {
  name: 'idleWaiter',
  async run({ redis: { url } }) {
    const measured = await Promise.all(
      Object.keys(WAITING).map(async (name): Promise<[string, Figures]> => {
        const worker = new BenchWorker<LockJob, LockAnswer>(
          new URL('./lock.worker.js', import.meta.url),
        );
        try {
          const wait = { waiters: WAITERS, settleMs: SETTLE_MS, countMs: COUNT_MS };
          const idle = (await worker.ask({ kind: 'idle', name, url, ...wait })) as Idle;
          const perSecond = (count: number): number => rounded((count * 1_000) / COUNT_MS);
          const commandsPerSecond = perSecond(idle.aboutKey);
          const heartbeatsPerSecond = perSecond(idle.others);
          return [name, { idleWaiter: { commandsPerSecond, heartbeatsPerSecond } }];
        } finally {
          worker.stop();
        }
      }),
    );
    return Object.fromEntries(measured);
  },
};
