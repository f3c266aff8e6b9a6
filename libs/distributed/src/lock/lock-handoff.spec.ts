/** Hand-off inside a process: how far it goes, what each holder gets, and who is not overtaken. */
import { describe, expect, it } from '@jest/globals';
import {
  scriptedLocks,
  ScriptedLockStore,
  watched,
} from '../../../../test/support/scripted-lock.store.fixture.js';
import type { LockModuleOptions } from './lock.options.js';
import { FakeClock, SequenceRandom } from '../testing/fake-clock.js';
import { LockService } from './lock.service.js';

/** Two processes on one store: reports of the store reach both. */
function twoProcesses(options: LockModuleOptions = {}): {
  clock: FakeClock;
  store: ScriptedLockStore;
  near: LockService;
  far: LockService;
} {
  class SharedStore extends ScriptedLockStore {
    readonly #listeners: Parameters<ScriptedLockStore['watch']>[1][] = [];
    override async watch(...[, listener]: Parameters<ScriptedLockStore['watch']>): Promise<void> {
      this.#listeners.push(listener);
      this.listener = {
        turn: (owner) => this.#listeners.forEach((each) => each.turn(owner)),
        revoked: (owner) => this.#listeners.forEach((each) => each.revoked(owner)),
        resync: () => this.#listeners.forEach((each) => each.resync()),
      };
    }
  }
  const clock = new FakeClock();
  const store = new SharedStore(clock);
  const random = new SequenceRandom();
  const [near, far] = [1, 2].map(() => new LockService(store, clock, random, options)) as [
    LockService,
    LockService,
  ];
  return { clock, store, near, far };
}

describe('hand-off', () => {
  it('serves waiters of one process without a command each (mutation: release and acquire)', async () => {
    const { store, locks } = scriptedLocks();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => locks.execute('k', () => void order.push(n))),
    );
    expect(order).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(store.commands.length).toBeLessThanOrEqual(8);
    expect(store.holders.size).toBe(0);
  });

  it('gives each holder a fencing token of its own, always growing (mutation: one per lease)', async () => {
    const { locks } = scriptedLocks();
    const tokens: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, () =>
        locks.execute('k', ({ fencingToken }) => void tokens.push(fencingToken)),
      ),
    );
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(tokens).toHaveLength(50);
  });

  it('ends after 16, so that another process is not overtaken for ever (mutation: no bound)', async () => {
    const { clock, near, far } = twoProcesses();
    const order: string[] = [];
    const first = await near.acquire('k');
    const all = Array.from({ length: 40 }, () => near.execute('k', () => void order.push('near')));
    const other = far.execute('k', () => void order.push('far'));
    await clock.settle();
    await first.release();
    await clock.advance(100);
    await Promise.all([...all, other]);
    expect(order.indexOf('far')).toBe(16);
  });

  it('ends after 50 ms (mutation: count only)', async () => {
    const { clock, near, far } = twoProcesses();
    const order: string[] = [];
    const slowly = (who: string) => async (): Promise<void> => {
      order.push(who);
      await clock.sleep(20);
    };
    const first = near.execute('k', slowly('near'));
    await clock.settle();
    const all = Array.from({ length: 8 }, () => near.execute('k', slowly('near')));
    const other = far.execute('k', slowly('far'));
    await clock.advance(1_000);
    await Promise.all([first, ...all, other]);
    expect(order.indexOf('far')).toBe(3);
  });

  it("'strict' serves all machines in order of arrival (mutation: hand off locally)", async () => {
    const { clock, near, far } = twoProcesses();
    const order: string[] = [];
    const first = await near.acquire('k');
    const all: Promise<void>[] = [];
    for (const [who, locks] of [1, 2, 3, 4, 5, 6].map((n) => [n, n % 2 ? near : far] as const)) {
      const body = (): void => void order.push(String(who));
      all.push(locks.execute('k', body, { fairness: 'strict' }));
      await clock.settle();
    }
    await first.release();
    await clock.advance(100);
    await Promise.all(all);
    expect(order).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it("of 'strict' waiters only the first asks again and again (mutation: every waiter polls)", async () => {
    const { clock, store, locks } = scriptedLocks();
    // The beginning of reports makes everybody look once; it is not what is counted here.
    await (await locks.acquire('before')).release();
    store.plant('k', 'other', 60_000);
    store.commands.length = 0;
    const waiters = Array.from({ length: 50 }, () =>
      watched(locks.acquire('k', { fairness: 'strict' })),
    );
    await clock.advance(4_900);
    expect(store.sent('acquire').length).toBeLessThanOrEqual(50 + 5);
    await clock.advance(200);
    expect(waiters.every(({ state }) => state === 'rejected')).toBe(true);
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  });

  it("of 'strict' waiters costs three commands: to stand, to take, to release (mutation: the next asks at once)", async () => {
    const { clock, store, locks } = scriptedLocks();
    const first = await locks.acquire('k');
    const all = Array.from({ length: 20 }, () =>
      locks.execute('k', () => undefined, { fairness: 'strict' }),
    );
    await clock.settle();
    await first.release();
    await clock.advance(100);
    await Promise.all(all);
    expect(store.commands.length).toBeLessThanOrEqual(3 * 20 + 3);
  });

  it("of 'strict' waiters the next one asks for all when the first gives up (mutation: nobody does)", async () => {
    const { clock, store, locks } = scriptedLocks();
    store.plant('k', 'other', 60_000);
    const brief = watched(locks.acquire('k', { fairness: 'strict', wait: '1500ms' }));
    await clock.settle();
    const patient = watched(locks.acquire('k', { fairness: 'strict', wait: '20s' }));
    await clock.advance(2_000);
    expect(brief.state).toBe('rejected');
    store.commands.length = 0;
    await clock.advance(5_000);
    expect(store.sent('acquire').length).toBeGreaterThanOrEqual(4);
    expect(store.sent('acquire').length).toBeLessThanOrEqual(5);
    store.vanish('k');
    await clock.advance(1_200);
    expect(patient.state).toBe('fulfilled');
  });

  it('gives nobody a lease that is half over, nor one that he did not ask for', async () => {
    const { clock, store, locks } = scriptedLocks();
    const first = await locks.acquire('k', { lease: '1s', renew: false });
    const [short, bare] = [
      watched(locks.acquire('k', { lease: '500ms' })),
      watched(locks.acquire('k', { lease: '1s', renew: false })),
    ];
    await clock.settle();
    await first.release();
    await clock.settle();
    expect(short.value!.remaining).toBe(500 - 5 - 2);
    await short.value!.release();
    await clock.settle();
    expect(bare.value!.remaining).toBe(1_000 - 10 - 2);
    expect(store.sent('acquire')).toHaveLength(3);
  });

  it('tells a holder whose lock was gone when he handed it over', async () => {
    const { clock, store, locks } = scriptedLocks({ localHandoffs: 0 });
    const first = await locks.acquire('k');
    const second = watched(locks.acquire('k'));
    await clock.settle();
    store.vanish('k');
    expect(await first.release()).toBe('already-lost');
    await clock.settle();
    expect(second.state).toBe('fulfilled');
  });

  it('survives a hand-over that is not answered: both sides (mutation: no chase of the old lease)', async () => {
    const { clock, store, locks } = scriptedLocks({ localHandoffs: 0 });
    const first = await locks.acquire('k');
    const second = watched(locks.acquire('k'));
    await clock.settle();
    store.faults.push('refused');
    expect(await first.release()).toBe('pending');
    await clock.advance(200);
    expect(second.state).toBe('fulfilled');
    await second.value!.release();
    await clock.advance(20_000);
    expect(store.holders.size).toBe(0);
  });
});

describe('how long a lock is held', () => {
  it('minHold keeps it taken after work that was too fast (mutation: release at once)', async () => {
    const { clock, locks } = scriptedLocks();
    await locks.execute('tick', () => 1, { ifLocked: 'skip', minHold: '5s' });
    await clock.advance(4_900);
    expect(await locks.execute('tick', () => 2, { ifLocked: 'skip' })).toBeUndefined();
    await clock.advance(200);
    expect(await locks.execute('tick', () => 3, { ifLocked: 'skip' })).toBe(3);
  });

  it('minHold costs nothing after work that took longer', async () => {
    const { clock, locks } = scriptedLocks();
    const working = locks.execute('tick', () => clock.sleep(6_000), { minHold: '5s' });
    await clock.advance(6_000);
    await working;
    expect(await locks.execute('tick', () => 2, { ifLocked: 'skip' })).toBe(2);
  });

  it('minHold also keeps waiters of the same process out (mutation: hand off)', async () => {
    const { clock, locks } = scriptedLocks();
    const first = await locks.acquire('k', { minHold: '2s' });
    const second = watched(locks.acquire('k'));
    await clock.settle();
    await first.release();
    await clock.advance(1_900);
    expect(second.state).toBe('pending');
    await clock.advance(200);
    expect(second.state).toBe('fulfilled');
  });
});
