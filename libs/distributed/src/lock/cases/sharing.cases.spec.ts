/** Complaints about permits and readers: what the dead hold for ever, and writers that starve. */
import { describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { aborted, bareTimer } from '../../../../../test/support/lock-signs.fixture.js';
import { useTwoLockNodes } from '../../../../../test/support/two-lock-nodes.fixture.js';
import { SystemClock } from '../../time/index.js';

const clock = new SystemClock();
const shared = { mode: 'shared' } as const;

const on = useTwoLockNodes();

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('who shares', () => {
  it('C26: the permit of a process that is gone comes back after its lease, not before, while others keep theirs (mutation: a TTL for all permits)', async () => {
    const options = { limit: 2, lease: 1_200, wait: '10s' } as const;
    const lost = await on.far.locks.semaphore('api', options).acquire();
    const kept = await on.near.locks.semaphore('api', options).acquire();
    const before = performance.now();
    on.proxy.blackhole('both');
    const next = await on.near.locks.semaphore('api', options).acquire();
    // The holder knows first: no third one is inside at any time.
    expect(lost.held).toBe(false);
    expect(performance.now() - before).toBeLessThan(1_200 + 1_000);
    expect(kept.held).toBe(true);
    await Promise.all([kept.release(), next.release()]);
  });

  it('C27: readers are renewed each for itself, so a dead one goes after its own lease; and a writer gets in although readers never stop coming (mutations: one TTL for all readers, readers pass writers)', async () => {
    const dead = await on.far.locks.acquire('k', { ...shared, lease: 600 });
    const alive = await on.near.locks.acquire('k', { ...shared, lease: '6s' });
    on.proxy.blackhole('both');
    const writer = on.near.locks.acquire('k', { wait: '20s' });
    // The living one renews while the dead one still counts, and does not take it along.
    await alive.extend();
    await aborted(dead.signal);
    await alive.release();
    // With the message of the release, or else with the next look.
    const bare = bareTimer(1_200);
    const lock = await writer;
    expect(performance.now()).toBeLessThan(await bare);
    await lock.release();
    await dead.release();
    await on.proxy.heal();

    let [stop, reads] = [false, 0];
    // Three that overlap: at no time is there no reader.
    const stream = Array.from({ length: 3 }, async (_, index) => {
      const { locks } = index === 0 ? on.far : on.near;
      const read = async (): Promise<void> => {
        reads++;
        await clock.sleep(20);
      };
      while (!stop) await locks.execute('k', read, { ...shared, wait: '20s' });
    });
    while (reads < 3) await turn();
    for (let round = 0; round < 5; round++) {
      const readsBefore = reads;
      await on.near.locks.execute('k', () => {}, { wait: '20s' });
      // Those inside, and those of one phase: not more.
      expect(reads - readsBefore).toBeLessThanOrEqual(6);
    }
    stop = true;
    await Promise.all(stream);
  });
});
