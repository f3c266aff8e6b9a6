/** What the channels tell, and that they cost nothing when nobody listens. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import { lockEvents, LOCK_CHANNELS } from './lock.events.js';

const events: [kind: string, payload: Record<string, unknown>][] = [];
const listener = (payload: unknown, name: string | symbol): void => {
  events.push([String(name).split(':').at(-1) as string, payload as Record<string, unknown>]);
};

beforeEach(() => {
  events.length = 0;
  for (const name of Object.values(LOCK_CHANNELS)) subscribe(name, listener);
});

afterEach(() => {
  for (const name of Object.values(LOCK_CHANNELS)) unsubscribe(name, listener);
});

describe('lock events', () => {
  it('tell of every acquisition and release', async () => {
    const { clock, locks } = scriptedLocks();
    const running = locks.execute('k', () => clock.sleep(100), { name: 'job' });
    await clock.settle();
    const waiting = locks.execute('k', () => locks.execute('k', () => 1), { name: 'job' });
    expect(await locks.tryAcquire('k')).toBeNull();
    await clock.advance(100);
    await Promise.all([running, waiting]);
    expect(events).toEqual([
      ['acquire', { name: 'job', key: 'k', outcome: 'acquired', waitedMs: 0 }],
      ['waiting', { name: 'job', key: 'k', waiting: true }],
      ['acquire', { name: 'unnamed', key: 'k', outcome: 'busy', waitedMs: 0 }],
      ['release', { name: 'job', key: 'k', outcome: 'released', heldMs: 100 }],
      ['waiting', { name: 'job', key: 'k', waiting: false }],
      ['acquire', { name: 'job', key: 'k', outcome: 'acquired', waitedMs: 100 }],
      ['acquire', { name: 'unnamed', key: 'k', outcome: 'joined', waitedMs: 0 }],
      ['release', { name: 'job', key: 'k', outcome: 'released', heldMs: 0 }],
    ]);
  });

  it('tell why a lock was not acquired', async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const late = watched(locks.acquire('k', { wait: '1s' }));
    await clock.advance(1_000);
    store.always = 'refused';
    const failed = watched(locks.tryAcquire('k'));
    await clock.settle();
    expect([late.state, failed.state]).toEqual(['rejected', 'rejected']);
    const outcomes = events.flatMap(([kind, { outcome }]) => (kind === 'acquire' ? outcome : []));
    expect(outcomes).toEqual(['timeout', 'backend-error']);
  });

  it('tell of failed renewals, of the loss, and of the cleaning up', async () => {
    const { clock, store, locks } = scriptedLocks();
    const lock = await locks.acquire('k', { lease: '300ms', name: 'job' });
    store.always = 'refused';
    await clock.advance(300);
    store.always = undefined;
    await lock.release();
    await clock.settle();
    const kinds = events.map(([kind]) => kind);
    expect(kinds.filter((kind) => kind === 'renew-failed').length).toBeGreaterThan(1);
    expect(kinds.slice(-3)).toEqual(['lost', 'release', 'chase']);
    const { fencingToken } = lock;
    expect(events).toContainEqual([
      'lost',
      { name: 'job', key: 'k', reason: 'expired', fencingToken },
    ]);
  });

  it('are not even built without a subscriber', () => {
    unsubscribe(LOCK_CHANNELS.lost, listener);
    let built = 0;
    lockEvents.emit('lost', () => {
      built++;
      return { name: '', key: '', reason: 'expired', fencingToken: 0 };
    });
    expect(built).toBe(0);
    subscribe(LOCK_CHANNELS.lost, listener);
  });
});
