/** Getting a lock: waiting, being woken, and what happens when the store fails. */
import { describe, expect, it } from '@jest/globals';
import {
  scriptedLocks,
  ScriptedLockStore,
  watched,
} from '../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, SequenceRandom } from '../testing/fake-clock.js';
import type { AcquireReply } from './lock.store.js';
import { LockService } from './lock.service.js';

describe('waiting', () => {
  it('gets the lock with the release, not with a poll (mutation: ignore announcements)', async () => {
    const { clock, locks } = scriptedLocks();
    const first = await locks.acquire('k');
    const waiting = watched(locks.acquire('k'));
    await clock.advance(10);
    expect(waiting.state).toBe('pending');
    await first.release();
    await clock.settle();
    expect(waiting.state).toBe('fulfilled');
    expect(waiting.value!.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('gets it within a second when the announcement is lost (mutation: wait for messages only)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const first = await locks.acquire('k');
    const waiting = watched(locks.acquire('k'));
    await clock.settle();
    await store.unwatch();
    await first.release();
    await clock.advance(1_000);
    expect(waiting.state).toBe('fulfilled');
  });

  it('asks again when announcements may have been missed', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'dead', 60_000);
    const waiting = watched(locks.acquire('k'));
    await clock.advance(100);
    store.holders.clear();
    store.listener!.resync();
    await clock.settle();
    expect(waiting.state).toBe('fulfilled');
  });

  it('asks again when announcements have just begun (mutation: start to listen silently)', async () => {
    let begin!: () => void;
    class LateStore extends ScriptedLockStore {
      override async watch(): Promise<void> {
        await new Promise<void>((resolve) => (begin = resolve));
      }
    }
    const clock = new FakeClock();
    const store = new LateStore(clock);
    const locks = new LockService(store, clock, new SequenceRandom(), {});
    store.plant('k', 'other', 60_000);
    const waiting = watched(locks.acquire('k'));
    await clock.advance(100);
    store.holders.clear();
    begin();
    await clock.settle();
    expect(waiting.state).toBe('fulfilled');
  });

  it('follows a dead holder as soon as its lease has ended', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'dead', 3_300);
    const waiting = watched(locks.acquire('k'));
    await clock.advance(3_299);
    expect(waiting.state).toBe('pending');
    await clock.advance(25);
    expect(waiting.state).toBe('fulfilled');
  });

  it('is no hot poll, and only the first in line asks (mutation: every waiter polls)', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const waiters = Array.from({ length: 50 }, () => watched(locks.acquire('k')));
    await clock.advance(5_000);
    expect(waiters.every(({ state }) => state === 'rejected')).toBe(true);
    // The first asks about once a second; the others ask at most once, when they move up.
    expect(store.sent('acquire').length).toBeLessThanOrEqual(8);
    expect(clock.pendingTimers).toBe(0);
  });

  it('serves this process in order of arrival', async () => {
    const { clock, locks } = scriptedLocks();
    const order: number[] = [];
    const all = [1, 2, 3, 4, 5].map((id) =>
      locks.execute('k', async () => {
        order.push(id);
        await clock.sleep(10);
      }),
    );
    await clock.advance(60);
    await Promise.all(all);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it('ends with E_LOCK_WAIT_TIMEOUT, on time, and nothing is run', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    let ran = false;
    const waiting = watched(locks.execute('k', () => (ran = true), { wait: '2s' }));
    await clock.advance(1_999);
    expect(waiting.state).toBe('pending');
    await clock.advance(1);
    expect(waiting.error).toMatchObject({ code: 'E_LOCK_WAIT_TIMEOUT', retryable: true });
    expect(ran).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with the reason of its signal', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const abort = new AbortController();
    const reason = new Error('client gone');
    const waiting = watched(locks.acquire('k', { signal: abort.signal }));
    await clock.advance(100);
    abort.abort(reason);
    await clock.settle();
    expect(waiting.error).toBe(reason);
    expect(clock.pendingTimers).toBe(0);
    await expect(locks.acquire('k', { signal: abort.signal })).rejects.toBe(reason);
  });
});

describe('a store that fails', () => {
  it('is asked again with the same token: one acquisition (mutation: a token per attempt)', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.faults.push('reply-lost', 'refused');
    const waiting = watched(locks.acquire('k'));
    await clock.advance(200);
    expect(waiting.value?.fencingToken).toBe(1);
    expect(new Set(store.sent('acquire')).size).toBe(1);
    await waiting.value!.release();
    expect(store.holders.size).toBe(0);
  });

  it('ends the wait with E_LOCK_BACKEND, for everybody in line (mutation: report a wait timeout)', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.always = 'refused';
    const waiters = [1, 2, 3].map(() => watched(locks.acquire('k')));
    await clock.advance(5_000);
    for (const { error } of waiters) expect(error).toMatchObject({ code: 'E_LOCK_BACKEND' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('leaves no orphan: an unanswered acquisition is deleted in the background (mutation: no chase)', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.faults.push('reply-lost');
    await expect(locks.tryAcquire('k')).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    await clock.settle();
    expect(store.holders.size).toBe(0);
  });

  it('does not keep a caller who aborts, and cleans up behind him', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.faults.push('hangs');
    const abort = new AbortController();
    const waiting = watched(locks.acquire('k', { signal: abort.signal }));
    await clock.settle();
    abort.abort();
    await clock.settle();
    expect(waiting.state).toBe('rejected');
    // The hanging command is executed after all, later.
    store.plant('k', 'token-1:1', 10_000);
    await clock.advance(2_000);
    expect(store.holders.size).toBe(0);
  });

  it('that grants in the moment of an abort gets its lock back (mutation: look only before)', async () => {
    const abort = new AbortController();
    const reason = new Error('client gone');
    class CloseStore extends ScriptedLockStore {
      override async acquire(
        ...command: Parameters<ScriptedLockStore['acquire']>
      ): Promise<AcquireReply> {
        const reply = await super.acquire(...command);
        queueMicrotask(() => abort.abort(reason));
        return reply;
      }
    }
    const clock = new FakeClock();
    const store = new CloseStore(clock);
    const locks = new LockService(store, clock, new SequenceRandom(), {});
    const attempt = locks.tryAcquire('k', { signal: abort.signal });
    await expect(attempt).rejects.toBe(reason);
    await clock.settle();
    expect(store.holders.size).toBe(0);
  });

  it("runs the body unprotected only when asked to: onBackendError 'run'", async () => {
    const { clock, store, locks } = scriptedLocks();
    store.always = 'refused';
    const running = watched(
      locks.execute('k', (lock) => [lock.held, lock.fencingToken, lock.signal.aborted], {
        wait: 0,
        onBackendError: 'run',
      }),
    );
    await clock.settle();
    expect(running.value).toEqual([false, 0, false]);
    const asserting = locks.execute('k', (lock) => lock.assertHeld(), {
      wait: 0,
      onBackendError: 'run',
    });
    await expect(asserting).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
  });
});
