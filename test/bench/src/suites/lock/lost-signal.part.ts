/** Redis stands still: how long after its lease does a holder learn that it holds nothing? */
import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from '../../harness/figures.js';
import { percentile, rounded } from '../../harness/statistics.js';
import type { Part } from '../../suite.js';
import type { LockContender, Release } from './contender.js';
import { WAITING, withContenders } from './contenders/index.js';

const HOLDERS = 100;
const LEASE_MS = 3_000;
/** Whoever has not been told this long after the lease counts as told now. */
const PATIENCE_MS = 3_000;
/** For the releases afterwards, of which some never end. */
const FAREWELL_MS = 1_000;
/** Ours would renew from here on, and the lease would end later than we think. */
const SETUP_MS = LEASE_MS / 3;

interface Holder {
  readonly name: string;
  /** When the lease ends at the latest that the holder may believe: from before it asked. */
  readonly deadline: number;
  toldAt: number | undefined;
  release: Release;
}

/** Everybody holds locks of his own, then the server is stopped (SIGSTOP) beneath all of them. */
export const lostSignal: Part = {
  name: 'lostSignal',
  run: ({ redis, note }) =>
    withContenders(Object.keys(WAITING), redis.url, async (contenders) => {
      const startedAt = performance.now();
      const holders = (await Promise.all([...contenders].map(holdMany))).flat();
      await redis.freeze();
      const setupMs = performance.now() - startedAt;
      if (setupMs > SETUP_MS)
        note(`slow machine: ${Math.round(setupMs)} ms until the server stood`);
      await delay(LEASE_MS + PATIENCE_MS);
      const figures: Record<string, Figures> = {};
      for (const name of contenders.keys()) {
        const own = holders.filter((holder) => holder.name === name);
        const late = own.map(
          ({ deadline, toldAt }) => (toldAt ?? deadline + PATIENCE_MS) - deadline,
        );
        const { length: untold } = own.filter(({ toldAt }) => toldAt === undefined);
        const lateMs = { p50: rounded(percentile(late, 0.5)), p100: rounded(percentile(late, 1)) };
        figures[name] = { lostSignal: { lateMs, untold, holders: own.length } };
      }
      await redis.thaw();
      await Promise.race([
        Promise.allSettled(holders.map(({ release }) => release())),
        delay(FAREWELL_MS, undefined, { ref: false }),
      ]);
      return figures;
    }),
};

async function holdMany([name, contender]: [string, LockContender]): Promise<Holder[]> {
  const { hold } = contender;
  if (!hold) return [];
  return Promise.all(
    Array.from({ length: HOLDERS }, async (_, number) => {
      const holder: Holder = {
        name,
        deadline: performance.now() + LEASE_MS,
        toldAt: undefined,
        release: async () => {},
      };
      holder.release = await hold(`lost-${name}-${number}`, LEASE_MS, () => {
        holder.toldAt ??= performance.now();
      });
      return holder;
    }),
  );
}
