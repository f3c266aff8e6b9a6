/** Re-entrancy: awaited nesting joins, siblings take turns, work left behind asks again. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import { currentLock } from './lock-scope.js';

/** Counts how many bodies are inside at once: the protected resource. */
class Resource {
  inside = 0;
  most = 0;
  visits = 0;

  async use(work: () => Promise<unknown>): Promise<void> {
    this.visits++;
    this.most = Math.max(this.most, ++this.inside);
    try {
      await work();
    } finally {
      this.inside--;
    }
  }
}

describe('a nested call for the same key', () => {
  it('joins without a command, and only the outermost releases (mutation: release on every end)', async () => {
    const { store, locks } = scriptedLocks();
    await locks.execute('k', async (outer) => {
      const inner = await locks.execute('k', (lock) => lock);
      expect(inner).toBe(outer);
      expect(inner.held).toBe(true);
      await locks.execute('k', () => locks.execute('k', () => 'three deep'));
      expect(store.holders.size).toBe(1);
    });
    expect(store.sent('acquire')).toHaveLength(1);
    expect(store.sent('release')).toHaveLength(1);
  });

  it('takes its own lock for another key, also inside out', async () => {
    const { store, locks } = scriptedLocks();
    await locks.execute('a', () => locks.execute('b', () => locks.execute('a', () => 'a b a')));
    expect(store.sent('acquire')).toHaveLength(2);
  });

  it('waits like anybody else with reentrant: false', async () => {
    const { clock, locks } = scriptedLocks();
    const running = watched(
      locks.execute('k', () => locks.execute('k', () => 1, { reentrant: false, wait: '1s' })),
    );
    await clock.advance(1_000);
    expect(running.error).toMatchObject({ code: 'E_LOCK_WAIT_TIMEOUT' });
  });

  it('does not join the lock of another application in the same process', async () => {
    const one = scriptedLocks();
    const two = scriptedLocks();
    await one.locks.execute('k', () => two.locks.execute('k', () => 1));
    expect(two.store.sent('acquire')).toHaveLength(1);
  });

  it('does not join a lock that is lost already (mutation: join without looking)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const running = watched(
      locks.execute(
        'k',
        async (outer) => {
          await clock.sleep(2_000);
          return await locks.execute('k', (inner) => inner !== outer && inner.held);
        },
        { lease: '1s', renew: false, onLost: 'ignore' },
      ),
    );
    await clock.advance(2_000);
    expect(running.value).toBe(true);
    expect(store.sent('acquire')).toHaveLength(2);
  });

  it('passes its own error on', async () => {
    const { locks } = scriptedLocks();
    const failure = new Error('inner');
    const running = locks.execute('k', () =>
      locks.execute('k', () => {
        throw failure;
      }),
    );
    await expect(running).rejects.toBe(failure);
  });
});

describe('sibling calls inside one section', () => {
  it('take turns (mutation: join at once, Promise.all overlaps)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const resource = new Resource();
    const visit = (): Promise<void> =>
      locks.execute('k', () => resource.use(() => clock.sleep(10)));
    const running = watched(
      locks.execute('k', () => Promise.all([visit(), visit(), visit(), visit()])),
    );
    await clock.advance(100);
    expect(running.state).toBe('fulfilled');
    expect(resource).toMatchObject({ most: 1, visits: 4 });
    expect(store.sent('acquire')).toHaveLength(1);
  });

  it('may nest further without blocking themselves', async () => {
    const { clock, locks } = scriptedLocks();
    const sibling = (): Promise<number> =>
      locks.execute('k', () => locks.execute('k', () => clock.sleep(1).then(() => 1)));
    const running = watched(locks.execute('k', () => Promise.all([sibling(), sibling()])));
    await clock.advance(10);
    expect(running.value).toEqual([1, 1]);
  });

  it('wait no longer than they say', async () => {
    const { clock, locks } = scriptedLocks();
    const running = watched(
      locks.execute('k', async () => {
        const slow = locks.execute('k', () => clock.sleep(5_000));
        const skipped = await locks.execute('k', () => 1, { ifLocked: 'skip' });
        const late = watched(locks.execute('k', () => 1, { wait: '1s' }));
        await slow;
        return [skipped, (late.error as { code: string }).code];
      }),
    );
    await clock.advance(5_000);
    expect(running.value).toEqual([undefined, 'E_LOCK_WAIT_TIMEOUT']);
  });
});

describe('a sibling that waits for its turn', () => {
  it('does not start when the lock is lost meanwhile (mutation: start anyway)', async () => {
    const { clock, store, locks } = scriptedLocks();
    let late: unknown;
    let ran = false;
    const running = watched(
      locks.execute('k', async () => {
        const slow = locks.execute('k', () => clock.sleep(4_000), { onLost: 'ignore' });
        late = await locks.execute('k', () => (ran = true)).catch((error: unknown) => error);
        await slow;
      }),
    );
    await clock.advance(100);
    await locks.forceRelease('k');
    await clock.advance(4_000);
    expect(late).toMatchObject({ code: 'E_LOCK_LOST' });
    expect(ran).toBe(false);
    expect(running.error).toMatchObject({ code: 'E_LOCK_LOST' });
    expect(store.holders.size).toBe(0);
  });
});

describe('work left behind', () => {
  it('asks again when it starts after the section has ended (mutation: trust the context)', async () => {
    const { clock, store, locks } = scriptedLocks();
    let detached!: Promise<boolean>;
    const first = await locks.execute('k', (lock) => {
      detached = clock.sleep(50).then(() => locks.execute('k', (own) => own !== lock && own.held));
      return lock;
    });
    expect(first.held).toBe(false);
    await clock.advance(50);
    expect(await detached).toBe(true);
    expect(store.sent('acquire')).toHaveLength(2);
  });

  it('keeps the lock when it started inside (mutation: release when the outer body returns)', async () => {
    const { clock, store, locks } = scriptedLocks();
    let detached!: Promise<boolean>;
    await locks.execute('k', (lock) => {
      detached = locks.execute('k', async () => {
        await clock.sleep(100);
        return lock.held;
      });
    });
    expect(store.holders.size).toBe(1);
    const next = watched(locks.execute('k', () => 'next'));
    await clock.advance(50);
    expect(next.state).toBe('pending');
    await clock.advance(50);
    expect(await detached).toBe(true);
    expect(next.value).toBe('next');
  });
});

describe('currentLock', () => {
  it('is the innermost lock of the calling code', async () => {
    const { locks } = scriptedLocks();
    expect(currentLock()).toBeUndefined();
    await locks.execute('a', async (a) => {
      expect(currentLock()).toBe(a);
      await locks.execute('b', async (b) => {
        await Promise.resolve();
        expect(currentLock()).toBe(b);
      });
      expect(currentLock()).toBe(a);
    });
    expect(currentLock()).toBeUndefined();
  });

  it('is undefined in work left behind', async () => {
    const { clock, locks } = scriptedLocks();
    let detached!: Promise<unknown>;
    await locks.execute('k', () => {
      detached = clock.sleep(10).then(() => currentLock());
    });
    await clock.advance(10);
    expect(await detached).toBeUndefined();
  });

  it('does not leak to code beside the section (mutation: enterWith)', async () => {
    const { clock, locks } = scriptedLocks();
    const running = locks.execute('k', () => clock.sleep(10));
    await clock.settle();
    expect(currentLock()).toBeUndefined();
    await clock.advance(10);
    await running;
  });
});
