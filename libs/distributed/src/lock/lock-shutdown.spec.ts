/** A shutdown refuses, cancels, waits, and takes away what is left. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';

describe('shutdown', () => {
  it('refuses new locks and cancels waiters', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const waiters = [watched(locks.acquire('k')), watched(locks.acquire('k'))];
    await clock.settle();
    await locks.beforeApplicationShutdown();
    await clock.settle();
    for (const { error } of waiters) expect(error).toMatchObject({ code: 'E_LOCK_CLOSED' });
    await expect(locks.tryAcquire('free')).rejects.toMatchObject({ code: 'E_LOCK_CLOSED' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits for holders, and for nothing longer', async () => {
    const { clock, store, locks } = scriptedLocks();
    const working = watched(locks.execute('k', () => clock.sleep(3_000).then(() => 'done')));
    await clock.settle();
    const closing = watched(locks.beforeApplicationShutdown());
    await clock.advance(2_999);
    expect([closing.state, store.holders.size]).toEqual(['pending', 1]);
    await clock.advance(1);
    expect([closing.state, working.value]).toEqual(['fulfilled', 'done']);
    expect(store.holders.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes locks away after the grace, and tells the holders (mutation: leave them to the lease)', async () => {
    const { clock, store, locks } = scriptedLocks({ shutdownGrace: '2s' });
    const stuck = await locks.acquire('k');
    const working = watched(locks.execute('j', () => clock.sleep(5_000)));
    await clock.settle();
    const closing = watched(locks.beforeApplicationShutdown());
    await clock.advance(2_000);
    expect(closing.state).toBe('fulfilled');
    expect(stuck.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', reason: 'shutdown' });
    expect(store.holders.size).toBe(0);
    await clock.advance(3_000);
    expect(working.error).toMatchObject({ code: 'E_LOCK_LOST', reason: 'shutdown' });
  });

  it('does not hang when the store does', async () => {
    const { clock, store, locks } = scriptedLocks({ shutdownGrace: '1s', commandTimeout: '1s' });
    await locks.acquire('k');
    store.always = 'hangs';
    const closing = watched(locks.beforeApplicationShutdown());
    await clock.advance(2_000);
    expect(closing.state).toBe('fulfilled');
  });

  it('lets a section that is inside join its own lock', async () => {
    const { clock, locks } = scriptedLocks();
    const working = watched(
      locks.execute('k', async () => {
        await clock.sleep(100);
        return await locks.execute('k', () => 'joined');
      }),
    );
    await clock.settle();
    const closing = watched(locks.beforeApplicationShutdown());
    await clock.advance(100);
    expect([working.value, closing.state]).toEqual(['joined', 'fulfilled']);
  });
});
