/** Background releases insist as long as it makes sense, and no longer. */
import { describe, expect, it } from '@jest/globals';
import { ScriptedLockStore } from '../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock } from '../testing/fake-clock.js';
import { ReleaseChase } from './release-chase.js';

function setUp(): { clock: FakeClock; store: ScriptedLockStore; chase: ReleaseChase } {
  const clock = new FakeClock();
  const store = new ScriptedLockStore(clock);
  return { clock, store, chase: new ReleaseChase(store, clock, 1_000) };
}

const target = { name: 'job', claim: { key: 'k', owner: 'me' }, forMs: 10_000 };

describe('ReleaseChase', () => {
  it('repeats until the deletion is confirmed', async () => {
    const { clock, store, chase } = setUp();
    store.plant('k', 'me', 10_000);
    store.faults.push('refused', 'refused');
    chase.start({ ...target, absentIsFinal: true });
    await clock.advance(10_000);
    expect(store.sent('release')).toHaveLength(3);
    expect(store.holders.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('finds an acquisition that is executed later than the first release (mutation: trust "absent")', async () => {
    const { clock, store, chase } = setUp();
    chase.start({ ...target, absentIsFinal: false });
    await clock.advance(500);
    store.plant('k', 'me', 10_000);
    await clock.advance(2_000);
    expect(store.holders.size).toBe(0);
  });

  it('never deletes the lock of somebody else', async () => {
    const { clock, store, chase } = setUp();
    store.plant('k', 'other', 60_000);
    chase.start({ ...target, absentIsFinal: false });
    await clock.advance(20_000);
    expect(store.holders.get('k')?.owner).toBe('other');
  });

  it('ends with the lease, when nothing can be left of it', async () => {
    const { clock, store, chase } = setUp();
    store.always = 'refused';
    chase.start({ ...target, absentIsFinal: false });
    await clock.advance(10_000);
    await chase.settled();
    const attempts = store.sent('release').length;
    await clock.advance(60_000);
    expect(store.sent('release')).toHaveLength(attempts);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops on demand', async () => {
    const { clock, store, chase } = setUp();
    store.always = 'refused';
    for (let n = 0; n < 50; n++) chase.start({ ...target, absentIsFinal: false });
    await clock.advance(100);
    const attempts = store.sent('release').length;
    chase.stop();
    await chase.settled();
    expect(store.sent('release')).toHaveLength(attempts);
    expect(clock.pendingTimers).toBe(0);
  });
});
