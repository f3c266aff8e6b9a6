/** When the watchdog renews, how many at once, and what it does with failures. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks } from '../../../../test/support/scripted-lock.store.fixture.js';

const LEASE = { lease: '3s' } as const;

describe('LockWatchdog', () => {
  it('renews at every third of the lease', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', LEASE);
    const at: number[] = [];
    for (let ms = 0; ms < 3_000; ms += 100) {
      await clock.advance(100);
      if (store.sent('renew').length > at.length) at.push(clock.now());
    }
    expect(at).toEqual([1_000, 2_000, 3_000]);
    await lock.release();
  });

  it('repeats a failed renewal quickly, then keeps its rhythm (mutation: wait for the next third)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', LEASE);
    store.faults.push('refused', 'refused', 'refused');
    const counts: number[] = [];
    for (const ms of [1_000, 50, 100, 200, 999, 1]) {
      await clock.advance(ms);
      counts.push(store.sent('renew').length);
    }
    expect(counts).toEqual([1, 2, 3, 4, 4, 5]);
    await lock.release();
  });

  it('never gives up by itself: the lease decides (mutation: stop after n failures)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', LEASE);
    store.always = 'refused';
    await clock.advance(2_967);
    expect(lock.held).toBe(true);
    const sent = store.sent('renew').length;
    expect(sent).toBeGreaterThan(6);
    await clock.advance(60_000);
    expect(lock.loss).toMatchObject({ reason: 'expired' });
    expect(store.sent('renew').length).toBeLessThanOrEqual(sent + 1);
    await lock.release();
  });

  it('ends when the store denies a renewal', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', LEASE);
    store.vanish('k');
    await clock.advance(30_000);
    expect(store.sent('renew')).toHaveLength(1);
    expect(lock.loss).toMatchObject({ reason: 'revoked' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('stays silent after a release, also when a renewal is under way', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', LEASE);
    const moved = clock.advance(1_000);
    expect(await lock.release()).toBe('released');
    await moved;
    await clock.advance(30_000);
    expect(lock.loss).toBeUndefined();
    expect(store.sent('renew').length).toBeLessThanOrEqual(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('renews together what is due together, with one timer (mutation: a timer per lock)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const batches: number[] = [];
    const renew = store.renew.bind(store);
    store.renew = (commands, options) => {
      batches.push(commands.length);
      return renew(commands, options);
    };
    const held = await Promise.all(
      Array.from({ length: 250 }, (_, n) => locks.acquire(['k', n], LEASE)),
    );
    expect(clock.pendingTimers).toBe(2);
    await clock.advance(1_000);
    expect(batches).toEqual([100, 100, 50]);
    await Promise.all(held.map((lock) => lock.release()));
  });
});
