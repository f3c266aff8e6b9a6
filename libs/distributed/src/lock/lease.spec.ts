/** The lease as the holder may rely on it. */
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { deadlineOf, Lease } from './lease.js';

describe('Lease', () => {
  it('counts from before the command was sent, minus drift (mutation: count from the reply)', async () => {
    const clock = new FakeClock();
    const sentAt = clock.now();
    await clock.advance(400);
    const lease = new Lease(clock, sentAt, 1_000, () => {});
    expect(lease.remaining).toBe(1_000 - 10 - 2 - 400);
    lease.end();
  });

  it('fires at its deadline, not earlier and not later', async () => {
    const clock = new FakeClock();
    const expired: number[] = [];
    const lease = new Lease(clock, 0, 1_000, () => expired.push(clock.now()));
    await clock.advance(987);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([deadlineOf(0, 1_000)]);
    expect(lease.remaining).toBe(0);
  });

  it('moves with a renewal and never back (mutation: assign instead of max)', async () => {
    const clock = new FakeClock();
    const expired: number[] = [];
    const lease = new Lease(clock, 0, 1_000, () => expired.push(clock.now()));
    lease.extend(500, 2_000);
    lease.extend(600, 1_000);
    await clock.advance(2_500);
    expect(expired).toEqual([deadlineOf(500, 2_000)]);
  });

  it('leaves no timer behind', () => {
    const clock = new FakeClock();
    new Lease(clock, 0, 1_000, () => {}).end();
    expect(clock.pendingTimers).toBe(0);
  });
});
