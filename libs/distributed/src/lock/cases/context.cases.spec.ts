/** Complaints about re-entrancy: contexts that leak, siblings that overlap, work that outlives its lock. */
import { describe, expect, it } from '@jest/globals';
import { Crowd } from '../../../../../test/support/crowd.fixture.js';
import { scriptedLocks, watched } from '../../../../../test/support/scripted-lock.store.fixture.js';
import { currentLock } from '../lock-scope.js';

describe('nested calls', () => {
  it('C29: siblings of Promise.all take turns, work left behind asks anew, and nothing leaks beside the section (mutations: join at once, trust the context after its end)', async () => {
    const { clock, store, locks } = scriptedLocks();
    const crowd = new Crowd(1, () => clock.sleep(10));
    const visit = (): Promise<void> => locks.execute('k', crowd.visit);
    let leftBehind!: Promise<void>;
    const section = watched(
      locks.execute('k', async () => {
        // Begins after the section has ended, and meets the next holder.
        leftBehind = clock.sleep(100).then(visit);
        await Promise.all([visit(), visit(), locks.execute('k', visit)]);
        await locks.execute('other', visit);
        expect(currentLock()?.key).toBe('k');
      }),
    );
    expect(currentLock()).toBeUndefined();
    await clock.advance(60);
    expect(section.state).toBe('fulfilled');
    expect(crowd).toMatchObject({ visits: 4, most: 1 });
    expect(store.sent('acquire k')).toHaveLength(1);

    const next = locks.execute('k', async () => {
      await clock.sleep(50);
      await crowd.visit();
    });
    await clock.advance(200);
    await Promise.all([next, leftBehind]);
    expect(crowd).toMatchObject({ visits: 6, most: 1, inside: 0 });
    expect(store.sent('acquire k').length).toBeGreaterThan(1);
    expect([currentLock(), store.holders.size]).toEqual([undefined, 0]);
  });
});
