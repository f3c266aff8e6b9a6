/** Who leads, for how long, and who comes next. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { electorate } from '../../../../test/support/electorate.fixture.js';
import { watched } from '../../../../test/support/scripted-lock.store.fixture.js';
import { FakeClock, MemoryLockStore, SequenceRandom } from '../testing/index.js';
import { type Lock, LockLostError, LockService } from './index.js';

beforeEach(() => void jest.spyOn(Logger.prototype, 'warn').mockReturnValue());
afterEach(() => void jest.restoreAllMocks());

describe('an election', () => {
  it('has one leader, whose term is larger than any before', async () => {
    const { clock, candidates } = electorate(3);
    const terms: number[] = [];
    for (const { election } of candidates) election.join();
    for (let left = [...candidates]; left.length > 0;) {
      await clock.settle();
      const leaders = left.filter(({ election }) => election.isLeader);
      expect(leaders).toHaveLength(1);
      terms.push(leaders[0]?.election.leadership?.fencingToken as number);
      await leaders[0]?.election.resign();
      left = left.filter((candidate) => candidate !== leaders[0]);
    }
    expect(terms).toEqual([...new Set(terms)].toSorted((a, b) => a - b));
    expect(await candidates[0].election.query()).toBeNull();
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  });

  it('is joined once, whoever asks', async () => {
    const { clock, candidates } = electorate(1);
    const [{ election, locks }] = candidates;
    expect(locks.election('importer')).toBe(election);
    const [first, second] = await Promise.all([election.campaign(), election.campaign()]);
    expect(first).toBe(second);
    expect(first).toBe(election.leadership);
    await clock.settle();
    expect(await election.query()).toMatchObject({ waiters: 0, fencingToken: first.fencingToken });
  });

  it('costs a candidate a command a second, and the leader three renewals a lease', async () => {
    const { clock, candidates } = electorate(2);
    for (const { election } of candidates) election.join();
    await clock.settle();
    const before = candidates.map(({ line }) => line.commands);
    await clock.advance(60_000);
    const [leader, waiting] = candidates.map(({ line }, n) => line.commands - (before[n] ?? 0));
    expect(leader).toBeLessThanOrEqual(18);
    expect(waiting).toBeLessThanOrEqual(60);
  });

  it('goes to the next one when the lease of a dead leader ends', async () => {
    const { clock, candidates } = electorate(2);
    const [dead, next] = candidates;
    await dead.election.campaign();
    next?.election.join();
    dead.line.cut = true;
    await clock.advance(9_800);
    expect(next?.election.isLeader).toBe(false);
    await clock.advance(250);
    expect(next?.election.isLeader).toBe(true);
    expect(dead.election.isLeader).toBe(false);
  });

  it('is won again after a loss (mutation: no campaign after the loss)', async () => {
    const { clock, candidates } = electorate(1);
    const [{ election, locks }] = candidates;
    const first = await election.campaign();
    expect(await locks.forceRelease(['election', 'importer'])).toBe(true);
    expect(first.signal.reason).toMatchObject({ code: 'E_LOCK_LOST', reason: 'revoked' });
    expect(first.loss).toBeInstanceOf(LockLostError);
    await clock.advance(1_000);
    expect(election.leadership?.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('is not grasped at again and again by who cannot keep it (mutation: no pause)', async () => {
    const { clock, candidates } = electorate(1);
    const [{ election, locks }] = candidates;
    const terms = new Set<number>();
    election.join();
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000);
      if (election.leadership) terms.add(election.leadership.fencingToken);
      await locks.forceRelease(['election', 'importer']);
    }
    expect(terms.size).toBeGreaterThan(5);
    expect(terms.size).toBeLessThan(25);
    await clock.advance(5_000);
    expect(election.isLeader).toBe(true);
    await clock.advance(10_000);
    await locks.forceRelease(['election', 'importer']);
    await clock.advance(0);
    expect(election.isLeader).toBe(true);
  });

  it('asks the clock who leads (mutation: a flag that the timer of the lease resets)', async () => {
    class BlockedClock extends FakeClock {
      blockedMs = 0;
      override now(): number {
        return super.now() + this.blockedMs;
      }
    }
    const clock = new BlockedClock();
    const locks = new LockService(new MemoryLockStore(clock), clock, new SequenceRandom(), {});
    const election = locks.election('importer', { lease: '1s' });
    const term = await election.campaign();
    // The event loop stands still: time passes, and no timer fires.
    clock.blockedMs = 1_000;
    expect([election.isLeader, election.leadership]).toEqual([false, undefined]);
    expect(term.signal.aborted).toBe(true);
    let ran = false;
    expect(await election.execute(() => (ran = true))).toBeUndefined();
    expect(ran).toBe(false);
  });

  it('outlives an outage of the store: the leader leads until its lease ends, and somebody soon after', async () => {
    const { clock, candidates } = electorate(2);
    const [leader, other] = candidates;
    const term = await leader.election.campaign();
    other?.election.join();
    await clock.settle();
    for (const { line } of candidates) line.cut = true;
    await clock.advance(6_500);
    expect(leader.election.isLeader).toBe(true);
    await clock.advance(60_000);
    expect(candidates.filter(({ election }) => election.isLeader)).toEqual([]);
    for (const { line } of candidates) line.cut = false;
    await clock.advance(1_200);
    const leaders = candidates.filter(({ election }) => election.isLeader);
    expect(leaders).toHaveLength(1);
    expect(leaders[0]?.election.leadership?.fencingToken).toBeGreaterThan(term.fencingToken);
  });

  it('warns once of an outage, and of an error no store may throw', async () => {
    const { clock, candidates } = electorate(1);
    const [{ election, line }] = candidates;
    const { mock } = jest.mocked(Logger.prototype.warn);
    line.cut = true;
    election.join();
    await clock.advance(10_000);
    expect(mock.calls).toEqual([[expect.stringMatching(/'importer'.*the line is cut/)]]);
    line.cut = false;
    await clock.advance(1_000);
    await election.resign();
    const buggy = jest.spyOn(line, 'acquire').mockRejectedValue(new TypeError('a bug'));
    const waiting = watched(election.campaign());
    await clock.advance(60_000);
    expect(mock.calls.slice(1)).toEqual([[expect.stringMatching(/a bug/)]]);
    buggy.mockRestore();
    await clock.advance(10_000);
    expect(waiting.value).toBe(election.leadership);
  });

  it('passes to a successor at once when the application shuts down (mutation: no resignation)', async () => {
    const { clock, candidates } = electorate(2);
    const [leader, next] = candidates;
    const term = await leader.election.campaign();
    next?.election.join();
    await clock.settle();
    await leader.locks.beforeApplicationShutdown();
    await clock.settle();
    expect([clock.now(), next?.election.isLeader]).toEqual([0, true]);
    expect(term.signal.reason).toMatchObject({ reason: 'shutdown' });
    await expect(leader.election.campaign()).rejects.toMatchObject({ code: 'E_LOCK_CLOSED' });
    expect(await leader.election.execute(() => 1)).toBeUndefined();
  });

  it('leaves nothing behind, however often it changes hands (C10)', async () => {
    const { clock, candidates } = electorate(3);
    for (let turn = 0; turn < 300; turn++) {
      const { election } = candidates[turn % 3] as (typeof candidates)[0];
      const calledOff = new AbortController();
      const waiting = watched(election.campaign(calledOff.signal));
      if (turn % 2) await clock.settle();
      calledOff.abort(new Error('called off'));
      await election.resign();
      expect(['fulfilled', 'rejected']).toContain(waiting.state);
    }
    await clock.settle();
    expect(await candidates[0].election.query()).toBeNull();
    await clock.advance(10_000); // the watchdog looks once more, and finds nothing
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses different options for the same name', () => {
    const { candidates } = electorate(1);
    const [{ locks, election }] = candidates;
    expect(locks.election('importer', { lease: '10s' })).toBe(election);
    expect(() => locks.election('importer', { lease: '30s' })).toThrow(/30000 ms here and 10000/);
    expect(() => locks.election('other', { wait: 1 } as never)).toThrow(/unknown option 'wait'/);
  });

  it('has nothing to do with a lock of the same name', async () => {
    const { candidates } = electorate(1);
    const [{ locks, election }] = candidates;
    await election.campaign();
    expect(await locks.execute('importer', ({ key }: Lock) => key)).toBe('importer');
  });
});
