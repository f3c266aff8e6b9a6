/** Readers and writers of several processes on a real server, judged from the resource. */
import { describe, expect, it } from '@jest/globals';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { useTwoLockNodes } from '../../../../test/support/two-lock-nodes.fixture.js';
import { SystemClock } from '../time/index.js';

const clock = new SystemClock();
const shared = { mode: 'shared' } as const;

const on = useTwoLockNodes();

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('readers and writers', () => {
  it('never overlap, and readers do with each other, on two processes', async () => {
    const resource = { value: 0, writers: 0, readers: 0, mostReaders: 0, overlaps: 0 };
    const write = async (): Promise<void> => {
      if (++resource.writers > 1 || resource.readers > 0) resource.overlaps++;
      const before = resource.value;
      await turn();
      resource.value = before + 1;
      resource.writers--;
    };
    const read = async ({ locks }: LockNode): Promise<void> => {
      resource.mostReaders = Math.max(resource.mostReaders, ++resource.readers);
      const before = resource.value;
      // A round trip: readers who were let in with this one are answered before.
      await locks.query('k');
      if (resource.writers > 0 || resource.value !== before) resource.overlaps++;
      resource.readers--;
    };
    const work = async (node: LockNode, mode: 'exclusive' | 'shared'): Promise<void> => {
      const body = mode === 'shared' ? () => read(node) : write;
      for (let round = 0; round < 6; round++)
        await node.locks.execute('k', body, { mode, wait: '25s' });
    };
    await Promise.all(
      [on.far, on.near].flatMap((node) => [
        ...Array.from({ length: 3 }, () => work(node, 'exclusive')),
        ...Array.from({ length: 4 }, () => work(node, 'shared')),
      ]),
    );
    expect(resource).toMatchObject({ value: 36, overlaps: 0 });
    expect(resource.mostReaders).toBeGreaterThan(1);
  });

  it('are renewed each for itself', async () => {
    const readers = await Promise.all(
      [on.far, on.near].map(({ locks }) => locks.acquire('k', { ...shared, lease: '1s' })),
    );
    for (let look = 0; look < 6; look++) {
      await clock.sleep(300);
      expect(await on.near.locks.tryAcquire('k')).toBeNull();
    }
    for (const reader of readers) expect(await reader.release()).toBe('released');
    expect(await on.near.locks.query('k')).toBeNull();
  });

  it('lose the lock together when an operator takes it away', async () => {
    const readers = await Promise.all(
      // A third of it bounds how late a loss is noticed that nobody announced.
      [on.far, on.near].map(({ locks }) => locks.acquire('k', { ...shared, lease: 600 })),
    );
    const lost = readers.map(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    );
    expect(await on.near.locks.forceRelease('k')).toBe(true);
    await Promise.all(lost);
    expect(readers.map(({ loss }) => loss?.reason)).toEqual(['revoked', 'revoked']);
    expect(await on.near.locks.forceRelease('k')).toBe(false);
  });

  it('never overlap while connections die', async () => {
    const resource = { writers: 0, readers: 0, overlaps: 0, runs: 0 };
    let done = false;
    const work = async ({ locks }: LockNode, mode: 'exclusive' | 'shared'): Promise<void> => {
      const inside = mode === 'shared' ? 'readers' : 'writers';
      for (let round = 0; round < 5; round++) {
        await locks.execute(
          'k',
          async () => {
            resource[inside]++;
            resource.runs++;
            if (resource.writers > 1 || (resource.writers > 0 && resource.readers > 0))
              resource.overlaps++;
            await turn();
            resource[inside]--;
          },
          { mode, lease: '2s', wait: '20s', onLost: 'ignore' },
        );
      }
    };
    const faults = (async () => {
      while (!done) {
        await clock.sleep(25);
        on.proxy.resetAll();
      }
    })();
    await Promise.allSettled(
      [on.far, on.near].flatMap((node) => [
        work(node, 'exclusive'),
        work(node, 'exclusive'),
        work(node, 'shared'),
        work(node, 'shared'),
      ]),
    );
    done = true;
    await faults;
    expect(resource.overlaps).toBe(0);
    expect(resource.runs).toBeGreaterThanOrEqual(20);
  });
});

describe('nesting', () => {
  it('joins when a section under an exclusive lock wants to share it', async () => {
    const joined = await on.near.locks.execute('k', (outer) =>
      on.near.locks.execute('k', (inner) => inner === outer, { ...shared, wait: 100 }),
    );
    expect(joined).toBe(true);
  });

  it('joins when a shared section wants to share', async () => {
    const joined = await on.near.locks.execute(
      'k',
      (outer) => on.near.locks.execute('k', (inner) => inner === outer, shared),
      shared,
    );
    expect(joined).toBe(true);
  });

  it('refuses to become exclusive, at once (mutation: join, or wait for oneself)', async () => {
    let ran = false;
    const upgrade = on.near.locks.execute(
      'k',
      () => on.near.locks.execute('k', () => void (ran = true)),
      shared,
    );
    await expect(upgrade).rejects.toMatchObject({
      code: 'E_LOCK_UPGRADE',
      executed: 'no',
      retryable: false,
    });
    expect(ran).toBe(false);
    expect(await on.near.locks.query('k')).toBeNull();
  });
});
