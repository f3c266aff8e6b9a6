/** Complaints about whose lock it is: strangers that unlock it, handles that share state. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks } from '../../../../../test/support/scripted-lock.store.fixture.js';
import { useTwoLockNodes } from '../../../../../test/support/two-lock-nodes.fixture.js';

const on = useTwoLockNodes();

describe('whose lock it is', () => {
  it('C17: nobody unlocks the lock of somebody else: not who waited in vain, not who held it before (mutation: DEL without comparing)', async () => {
    const holder = await on.near.locks.acquire('k', { lease: '30s' });
    const before = await on.near.locks.query('k');
    await expect(on.far.locks.execute('k', () => {}, { wait: 100 })).rejects.toMatchObject({
      code: 'E_LOCK_WAIT_TIMEOUT',
    });
    expect(await on.far.locks.tryAcquire('k')).toBeNull();
    const still = await on.near.locks.query('k');
    expect(still).toMatchObject({ owner: before!.owner, fencingToken: before!.fencingToken });
    await holder.release();

    const stale = await on.far.locks.acquire('k', { lease: 100, renew: false });
    const next = await on.near.locks.acquire('k', { lease: '30s' });
    const { owner } = (await on.near.locks.query('k'))!;
    expect(await stale.release()).toBe('already-lost');
    // As the store sees it, whatever the holder believes.
    const claim = { key: 'k', owner: `${owner}0` };
    expect(await on.far.store.release(claim, { deadlineMs: 2_000 })).toBe('absent');
    expect(await on.near.locks.query('k')).toMatchObject({ owner });
    expect(await next.release()).toBe('released');
  });

  it('C18: every acquisition has a handle of its own, also of one key through one service (mutation: remember the token in the service)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const others = await Promise.all(['a', 'b', 'c'].map((key) => locks.acquire(key)));
    const handles = [];
    for (const waiting of [1, 2, 3].map(() => locks.acquire('k'))) {
      const handle = await waiting;
      handles.push(handle);
      expect(handles.map(({ held }) => held)).toEqual(handles.map((each) => each === handle));
      // Who held it before has nothing to release any more.
      await Promise.all(handles.slice(0, -1).map((earlier) => earlier.release()));
      await clock.settle();
      expect(handle.held).toBe(true);
      await handle.release();
    }
    expect(new Set(handles).size).toBe(3);
    const tokens = handles.map(({ fencingToken }) => fencingToken);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(others.map(({ held }) => held)).toEqual([true, true, true]);
    expect([...store.holders.keys()]).toEqual(['a', 'b', 'c']);
    await Promise.all(others.map((lock) => lock.release()));
  });
});
