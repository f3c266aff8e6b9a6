/** Several keys locked as one: order, all or none, one time to wait, joining, loss. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import { currentLock, currentLocks } from './lock-scope.js';

const AB = [['a'], ['b']];

describe('several keys', () => {
  it('are taken in one order, each once, whatever order is written (mutation: as written)', async () => {
    const { store, locks } = scriptedLocks();
    const keys = [['b'], ['a', 2], ['a'], ['b']];
    await locks.execute(keys, (lock) => {
      expect(lock.members.map(({ key }) => key)).toEqual(['a', 'a:2', 'b']);
      expect([...store.holders.keys()]).toEqual(['a', 'a:2', 'b']);
    });
    expect(store.holders.size).toBe(0);
    expect(store.sent('acquire')).toHaveLength(3);
  });

  it('that are one key after all are that key', async () => {
    const { locks } = scriptedLocks();
    const lock = await locks.acquire([['a'], ['a']]);
    expect(lock.members).toEqual([lock]);
    expect(lock.key).toBe('a');
    await lock.release();
  });

  it('do not mix with parts', async () => {
    const { locks } = scriptedLocks();
    const mixed = [['a'], 'b'] as unknown as string[][];
    await expect(locks.execute(mixed, () => 1)).rejects.toMatchObject({ code: 'E_KEY_INVALID' });
    await expect(locks.execute([[]], () => 1)).rejects.toMatchObject({ code: 'E_KEY_INVALID' });
  });

  it('are given back when one of them cannot be had (mutation: keep what was got)', async () => {
    const { store, locks } = scriptedLocks();
    store.plant('b', 'somebody', 60_000);
    expect(await locks.tryAcquire(AB)).toBeNull();
    expect([...store.holders.keys()]).toEqual(['b']);
    let ran = false;
    const body = (): void => void (ran = true);
    expect(await locks.execute(AB, body, { ifLocked: 'skip' })).toBeUndefined();
    await expect(locks.execute(AB, body, { ifLocked: 'throw' })).rejects.toMatchObject({
      code: 'E_LOCK_HELD',
    });
    expect([...store.holders.keys()]).toEqual(['b']);
    expect(ran).toBe(false);
  });

  it.each(['execute', 'acquire'] as const)(
    '%s: share one time to wait (mutation: a full wait for each)',
    async (verb) => {
      const { clock, store, locks } = scriptedLocks();
      store.plant('a', 'somebody', 800);
      store.plant('b', 'somebody', 60_000);
      const running = watched<unknown>(
        verb === 'execute'
          ? locks.execute(AB, () => 1, { wait: '1s' })
          : locks.acquire(AB, { wait: '1s' }),
      );
      await clock.advance(999);
      expect(running.state).toBe('pending');
      await clock.advance(2);
      expect(running.error).toMatchObject({ code: 'E_LOCK_WAIT_TIMEOUT' });
      await clock.advance(5_000);
      expect([...store.holders.keys()]).toEqual(['b']);
    },
  );

  it('never make a ring of waiters', async () => {
    const { clock, locks } = scriptedLocks();
    const work = (keys: string[][]): Promise<number> =>
      locks.execute(keys, async () => {
        await clock.sleep(10);
        return 1;
      });
    const done = watched(Promise.all([work(AB), work([['b'], ['a']]), work([['b']]), work(AB)]));
    await clock.advance(60);
    expect(done.value).toEqual([1, 1, 1, 1]);
  });

  it('join the one that is held already, and leave it to its section', async () => {
    const { store, locks } = scriptedLocks();
    await locks.execute('b', async (outer) => {
      await locks.execute(AB, (lock) => {
        expect(lock.members[1]).toBe(outer);
        expect(store.sent('acquire')).toHaveLength(2);
      });
      expect([...store.holders.keys()]).toEqual(['b']);
      expect(outer.held).toBe(true);
    });
    expect(store.sent('release')).toHaveLength(2);
  });

  it('are known to nested calls and to the code inside, as one and one by one', async () => {
    const { store, locks } = scriptedLocks();
    await locks.execute(AB, async (lock) => {
      expect(currentLock()).toBe(lock);
      expect(currentLocks().map(({ key }) => key)).toEqual(['a', 'b']);
      expect(await locks.execute('a', (inner) => inner)).toBe(lock.members[0]);
      expect(await locks.execute([['b'], ['a']], (inner) => inner.members)).toEqual(lock.members);
    });
    expect(currentLock()).toBeUndefined();
    expect(store.sent('acquire')).toHaveLength(2);
  });
});

describe('the lock of several keys', () => {
  it('is lost with the first of them; its signal aborts, and the call says so', async () => {
    const { store, locks } = scriptedLocks();
    const running = locks.execute(AB, async (lock) => {
      expect(lock.fencingToken).toBe(0);
      expect(lock.remaining).toBeGreaterThan(0);
      lock.assertHeld();
      const owner = store.holders.get('b')?.owner as string;
      store.vanish('b');
      store.listener?.revoked(owner);
      expect(lock.held).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: 'E_LOCK_LOST' }));
      return 'finished';
    });
    await expect(running).rejects.toMatchObject({ code: 'E_LOCK_LOST', result: 'finished' });
    expect(store.holders.size).toBe(0);
  });

  it('extends and releases all of them', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire(AB, { renew: false, lease: '1s' });
    await lock.extend('20s');
    await clock.advance(2_000);
    expect(lock.held).toBe(true);
    expect(await lock.release()).toBe('released');
    expect(store.holders.size).toBe(0);
    expect(lock.loss).toBeUndefined();
  });
});

describe('a call inside out', () => {
  it('finds all locks around it (mutation: a joined section forgets those in between)', async () => {
    const { store, locks } = scriptedLocks();
    const nested = (keys: string[]): Promise<string> => {
      const [key, ...others] = keys;
      return key ? locks.execute(key, () => nested(others)) : Promise.resolve('inside');
    };
    expect(await nested(['a', 'b', 'a', 'b'])).toBe('inside');
    expect(store.sent('acquire')).toHaveLength(2);
  });
});
