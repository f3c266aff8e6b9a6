/** What one call may say: when the lock is taken, and its options. */
import { describe, expect, it } from '@jest/globals';
import { scriptedLocks, watched } from '../../../../test/support/scripted-lock.store.fixture.js';

describe('when the lock is taken', () => {
  it("'skip' returns undefined and runs nothing", async () => {
    const { store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    let ran = false;
    const result = await locks.execute('k', () => (ran = true), { ifLocked: 'skip' });
    expect([result, ran]).toEqual([undefined, false]);
    expect(store.sent('acquire')).toHaveLength(1);
  });

  it("'throw' rejects with E_LOCK_HELD", async () => {
    const { store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const body = locks.execute('k', () => 1, { ifLocked: 'throw' });
    await expect(body).rejects.toMatchObject({ code: 'E_LOCK_HELD' });
  });

  it('tryAcquire returns null, acquire with wait 0 rejects', async () => {
    const { store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    expect(await locks.tryAcquire('k')).toBeNull();
    await expect(locks.acquire('k', { wait: 0 })).rejects.toMatchObject({
      code: 'E_LOCK_WAIT_TIMEOUT',
    });
  });
});

describe('options', () => {
  it('have defaults for the application, which each call overrides', async () => {
    const { clock, store, locks } = scriptedLocks({ defaults: { wait: '1s', lease: '2s' } });
    const held = await locks.acquire('other', { renew: false });
    expect(held.remaining).toBe(2_000 - 20 - 2);
    store.plant('k', 'other', 60_000);
    const waiting = watched(locks.acquire('k'));
    const patient = watched(locks.acquire('k', { wait: '3s' }));
    await clock.advance(1_000);
    expect([waiting.state, patient.state]).toEqual(['rejected', 'pending']);
    await clock.advance(2_000);
    expect(patient.state).toBe('rejected');
  });

  it.each([
    [{ lease: '10ms' }, /options\.lease: must be at least 100 ms/],
    [{ wait: 'soon' }, /options\.wait: expected a duration/],
    [{ fair: true }, /unknown option 'fair'/],
    [{ ifLocked: 'skip', wait: '1s' }, /`wait` has no effect/],
  ])('%j is refused', async (options, problem) => {
    const { store, locks } = scriptedLocks();
    const call = locks.execute('k', () => 1, options as never);
    await expect(call).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringMatching(problem),
    });
    expect(store.commands).toEqual([]);
  });

  it('that a call cannot honour are refused by it', async () => {
    const { locks } = scriptedLocks();
    await expect(locks.acquire('k', { onLost: 'throw' } as never)).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
    });
    await expect(locks.tryAcquire('k', { wait: '1s' } as never)).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
    });
    expect(() => scriptedLocks({ defaults: { ifLocked: 'skip' } as never })).toThrow(
      /forRoot\(\)\.lock\.defaults\.ifLocked/,
    );
  });

  it('a key that identifies nothing is refused', async () => {
    const { locks } = scriptedLocks();
    await expect(locks.acquire(['order', undefined as never])).rejects.toMatchObject({
      code: 'E_KEY_INVALID',
    });
  });
});
