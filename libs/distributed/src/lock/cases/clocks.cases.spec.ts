/** Complaints about clocks: machines that disagree about the time give one lock to two. */
import { describe, expect, it } from '@jest/globals';
import type { LockNode } from '../../../../../test/support/lock-node.fixture.js';
import { useTwoLockNodes } from '../../../../../test/support/two-lock-nodes.fixture.js';
import { FakeClock } from '../../testing/fake-clock.js';
import { MemoryLockStore } from '../../testing/memory-lock.store.js';
import { SystemRandom } from '../../time/index.js';
import type { Lock } from '../lock.js';
import { LockService } from '../lock.service.js';

const on = useTwoLockNodes();
const LEASE = { lease: '5s' } as const;

const exclusive = ({ locks }: LockNode): Promise<Lock | null> => locks.tryAcquire('k', LEASE);
const shared = ({ locks }: LockNode): Promise<Lock | null> =>
  locks.tryAcquire('k', { ...LEASE, mode: 'shared' });
const permit = ({ locks }: LockNode): Promise<Lock | null> =>
  locks.semaphore('api', { limit: 1, ...LEASE }).tryAcquire();

describe('clocks that disagree', () => {
  it('C19: a process whose wall clock is an hour off gets no lock, no share and no permit of others, and keeps its own (mutation: scores by Date.now)', async () => {
    const realNow = Date.now;
    const rivals = [
      [exclusive, exclusive],
      [exclusive, shared],
      [shared, exclusive],
      [permit, permit],
    ] as const;
    try {
      for (const hours of [-1, 1]) {
        for (const [first, second] of rivals) {
          Date.now = realNow;
          const straight = (await first(on.near))!;
          Date.now = () => realNow() + hours * 3_600_000;
          expect(await second(on.far)).toBeNull();
          await straight.release();
          const skewed = (await first(on.far))!;
          Date.now = realNow;
          expect(await second(on.near)).toBeNull();
          Date.now = () => realNow() + hours * 3_600_000;
          await skewed.extend();
          Date.now = realNow;
          expect(await second(on.near)).toBeNull();
          expect([skewed.held, await skewed.release()]).toEqual([true, 'released']);
        }
        Date.now = realNow;
        const reader = (await shared(on.near))!;
        Date.now = () => realNow() + hours * 3_600_000;
        const other = (await shared(on.far))!;
        expect([reader.held, other.held]).toEqual([true, true]);
        await Promise.all([reader.release(), other.release()]);
      }
    } finally {
      Date.now = realNow;
    }
  });

  it('C33: a job of a millisecond on five nodes, clocks up to 5 s off, runs 1000 times in 1000 ticks (mutation: without minHold)', async () => {
    const clock = new FakeClock();
    const store = new MemoryLockStore(clock);
    const runs = new Map<number, number>();
    const node = async (skewMs: number, own: MemoryLockStore): Promise<void> => {
      const locks = new LockService(own, clock, new SystemRandom(), {});
      for (let tick = 1; tick <= 1_000; tick++) {
        await clock.sleep(tick * 60_000 + skewMs - clock.now());
        const job = async (): Promise<void> => {
          runs.set(tick, (runs.get(tick) ?? 0) + 1);
          await clock.sleep(1);
        };
        await locks.execute('report', job, { ifLocked: 'skip', minHold: '30s' });
      }
    };
    const all = [-5_000, -1_700, 400, 2_600, 5_000].map((skewMs) => node(skewMs, store.peer()));
    await clock.advance(1_001 * 60_000);
    await Promise.all(all);
    expect([...runs.values()]).toEqual(Array.from({ length: 1_000 }, () => 1));
  });
});
