/** What runs in the leader: sections under one term, and how the term ends under them. */
import { describe, expect, it } from '@jest/globals';
import { electorate } from '../../../../test/support/electorate.fixture.js';
import { watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import { currentLock, currentLocks, type Lock } from './index.js';

/** One that leads, and one that waits. */
async function elected(options: Parameters<typeof electorate>[1] = {}) {
  const { clock, candidates } = electorate(2, options);
  const [leader, next] = candidates;
  const term = await leader.election.campaign();
  next?.election.join();
  await clock.settle();
  return { clock, leader, election: leader.election, term, next: next as typeof leader };
}

describe('a section of the leader', () => {
  it('runs under the leadership, and does not end it', async () => {
    const { election, term } = await elected();
    const seen = await election.execute((lock) => [lock, currentLock(), ...currentLocks()]);
    expect(seen).toEqual([term, term, term]);
    expect(currentLock()).toBeUndefined();
    expect([election.isLeader, term.held, term.fencingToken > 0]).toEqual([true, true, true]);
  });

  it('runs beside others, and may call them', async () => {
    const { election } = await elected();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const both = Promise.all([election.execute(() => gate), election.execute(() => open())]);
    await both;
    expect(await election.execute(() => election.execute(() => 'nested'))).toBe('nested');
  });

  it('is joined by a call for the lock of the election', async () => {
    const { election, leader } = await elected();
    const key = ['election', 'importer'];
    const nested = election.execute(() => leader.locks.execute(key, currentLock));
    expect(await nested).toBe(election.leadership);
    expect(election.isLeader).toBe(true);
  });

  it('is skipped or refused where another one leads', async () => {
    const { next } = await elected();
    expect(await next.election.execute(() => 'ran')).toBeUndefined();
    const refused = next.election.execute(() => 'ran', { ifNotLeader: 'throw' });
    await expect(refused).rejects.toMatchObject({ code: 'E_LOCK_NOT_LEADER', executed: 'no' });
  });

  it('lets its own error through, the same object, also after a loss', async () => {
    const { election, leader } = await elected();
    const failure = new Error('mine');
    const fails = election.execute(async () => {
      await leader.locks.forceRelease(['election', 'importer']);
      throw failure;
    });
    await expect(fails).rejects.toBe(failure);
  });

  it.each([
    ['throw', { code: 'E_LOCK_LOST', reason: 'revoked', result: 'done' }],
    ['abort', 'done'],
  ] as const)("hears of a loss by its signal; onLost '%s'", async (onLost, outcome) => {
    const { election, leader, clock } = await elected();
    const call = watched(
      election.execute(
        async ({ signal }) => {
          await leader.locks.forceRelease(['election', 'importer']);
          expect(signal.aborted).toBe(true);
          return 'done';
        },
        { onLost },
      ),
    );
    await clock.settle();
    if (onLost === 'throw') expect(call.error).toMatchObject(outcome as object);
    else expect(call.value).toBe(outcome);
  });

  it('that hangs costs the leadership (C24)', async () => {
    const { election, next, clock } = await elected();
    const call = watched(election.execute(() => clock.sleep(60_000), { maxHold: '5s' }));
    await clock.advance(4_999);
    expect(election.isLeader).toBe(true);
    await clock.advance(1);
    expect(election.isLeader).toBe(false);
    await clock.advance(10_100);
    expect(next.election.isLeader).toBe(true);
    await clock.advance(50_000);
    expect(call.error).toMatchObject({ code: 'E_LOCK_LOST', reason: 'max-hold' });
  });

  it('that is done in time costs nothing', async () => {
    const { election, clock } = await elected();
    await election.execute(() => 1, { maxHold: '5s' });
    await clock.advance(20_000);
    expect(election.isLeader).toBe(true);
  });

  it('leaves nothing to work that outlives it', async () => {
    const { election, clock } = await elected();
    let late: Lock | undefined;
    let detached: Promise<void> | undefined;
    await election.execute(() => {
      detached = clock.sleep(1_000).then(() => void (late = currentLock()));
    });
    await clock.advance(1_000);
    await detached;
    expect([late, election.isLeader]).toEqual([undefined, true]);
  });
});

describe('a resignation', () => {
  it('aborts the signal, lets begun work end, and nothing begin (mutation: release at once)', async () => {
    const { election, next, clock } = await elected();
    const inside: boolean[] = [];
    const call = watched(
      election.execute(async (lock) => {
        await clock.sleep(2_000);
        inside.push(lock.signal.aborted, lock.held, next.election.isLeader);
        lock.assertHeld();
        inside.push((await election.execute(() => 'part of it')) === 'part of it');
        return 'finished';
      }),
    );
    await clock.settle();
    const resigned = watched(election.resign());
    await clock.settle();
    expect([election.isLeader, resigned.state]).toEqual([false, 'pending']);
    expect(await election.execute(() => 'new')).toBeUndefined();
    await clock.advance(2_000);
    expect(inside).toEqual([true, true, false, true]);
    expect([call.value, resigned.state]).toEqual(['finished', 'fulfilled']);
    expect(next.election.isLeader).toBe(true);
  });

  it('waits no longer than the grace', async () => {
    const { election, next, clock } = await elected({ shutdownGrace: '3s' });
    const call = watched(election.execute(() => clock.sleep(60_000)));
    await clock.settle();
    const resigned = watched(election.resign());
    await clock.advance(3_000);
    expect([resigned.state, election.isLeader]).toEqual(['fulfilled', false]);
    await clock.advance(57_000);
    expect(call.error).toMatchObject({ code: 'E_LOCK_LOST', reason: 'resigned' });
    expect(next.election.isLeader).toBe(true);
  });

  it('from inside does not wait for itself', async () => {
    const { election, next, clock } = await elected();
    expect(await election.execute(() => election.resign().then(() => 'out'))).toBe('out');
    await clock.settle();
    expect([clock.now(), next.election.isLeader]).toEqual([0, true]);
    expect(await next.election.execute((lock) => lock.release())).toBe('pending');
    await clock.settle();
    expect([clock.now(), next.election.isLeader]).toEqual([0, false]);
  });

  it('is what releasing the leadership means', async () => {
    const { election, term, next, clock } = await elected();
    expect(await term.release()).toBe('released');
    await clock.settle();
    expect([election.isLeader, next.election.isLeader]).toEqual([false, true]);
    await clock.advance(60_000);
    expect(election.isLeader).toBe(false);
    const again = watched(election.campaign());
    await next.election.resign();
    await clock.settle();
    expect(again.value?.fencingToken).toBeGreaterThan(term.fencingToken);
  });

  it('calls off those who wait for the leadership', async () => {
    const { next, clock } = await elected();
    const waiting = watched(next.election.campaign());
    const calledOff = new AbortController();
    const impatient = watched(next.election.campaign(calledOff.signal));
    const reason = new Error('no time');
    calledOff.abort(reason);
    await clock.settle();
    expect([impatient.error, waiting.state]).toEqual([reason, 'pending']);
    await next.election.resign();
    expect(waiting.error).toMatchObject({ code: 'E_LOCK_NOT_LEADER' });
    await clock.settle();
    expect(await next.election.query()).toMatchObject({ waiters: 0 });
  });
});

describe('terms()', () => {
  it('yields each term once, and keeps it while the loop works', async () => {
    const { clock, candidates } = electorate(2);
    const [{ election, locks }, next] = candidates;
    const seen: number[] = [];
    const loop = watched(
      (async () => {
        for await (const term of election.terms()) {
          seen.push(term.fencingToken);
          await clock.sleep(1_000);
        }
        return 'ended';
      })(),
    );
    await clock.advance(1_500);
    await locks.forceRelease(['election', 'importer']);
    await clock.advance(500);
    expect(seen).toHaveLength(2);
    next?.election.join();
    const resigned = watched(election.resign());
    await clock.settle();
    expect([resigned.state, next?.election.isLeader]).toEqual(['pending', false]);
    await clock.advance(1_000);
    expect([loop.value, resigned.state, next?.election.isLeader]).toEqual([
      'ended',
      'fulfilled',
      true,
    ]);
    expect(seen).toEqual([...new Set(seen)]);
  });

  it('ends with its signal, at a shutdown, and by a break', async () => {
    const { election, leader, next, clock } = await elected();
    const over = new AbortController();
    const run = async (terms: AsyncIterable<Lock>) => {
      for await (const _term of terms);
      return 'ended';
    };
    const [called, shut] = [run(next.election.terms(over.signal)), run(election.terms())].map(
      (loop) => watched(loop),
    );
    for await (const _term of election.terms()) break;
    expect(election.isLeader).toBe(true);
    over.abort();
    await leader.locks.beforeApplicationShutdown();
    await clock.settle();
    expect([called?.value, shut?.value]).toEqual(['ended', 'ended']);
    expect(await run(election.terms())).toBe('ended');
  });
});
