/** When the watchdog renews, and what it does with failures. */
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { LockWatchdog } from './lock-watchdog.js';

const LEASE_MS = 3_000;

class Renewals {
  readonly clock = new FakeClock();
  readonly at: number[] = [];
  readonly failures: unknown[] = [];
  revocations = 0;
  answers: (boolean | Error)[] = [];
  readonly watchdog = new LockWatchdog(this.clock, {
    leaseMs: LEASE_MS,
    renew: async () => {
      this.at.push(this.clock.now());
      const answer = this.answers.shift() ?? true;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    revoked: () => this.revocations++,
    failed: (error) => this.failures.push(error),
  });
}

describe('LockWatchdog', () => {
  it('renews at every third of the lease', async () => {
    const { watchdog, clock, at } = new Renewals();
    watchdog.start();
    await clock.advance(LEASE_MS);
    expect(at).toEqual([1_000, 2_000, 3_000]);
    watchdog.stop();
  });

  it('repeats a failed renewal quickly, then keeps its rhythm (mutation: wait for the next third)', async () => {
    const renewals = new Renewals();
    const error = new Error('down');
    renewals.answers = [error, error, error];
    renewals.watchdog.start();
    await renewals.clock.advance(2_350);
    expect(renewals.at).toEqual([1_000, 1_050, 1_150, 1_350, 2_350]);
    expect(renewals.failures).toEqual([error, error, error]);
    renewals.watchdog.stop();
  });

  it('never gives up by itself: the lease decides (mutation: stop after n failures)', async () => {
    const renewals = new Renewals();
    renewals.answers = Array.from({ length: 1_000 }, () => new Error('down'));
    renewals.watchdog.start();
    await renewals.clock.advance(20 * LEASE_MS);
    expect(renewals.at.length).toBeGreaterThan(100);
    expect(renewals.revocations).toBe(0);
    renewals.watchdog.stop();
  });

  it('ends when the store denies a renewal', async () => {
    const renewals = new Renewals();
    renewals.answers = [false];
    renewals.watchdog.start();
    await renewals.clock.advance(10 * LEASE_MS);
    expect(renewals.at).toEqual([1_000]);
    expect(renewals.revocations).toBe(1);
    expect(renewals.clock.pendingTimers).toBe(0);
  });

  it('stays silent after stop, also when a renewal is under way', async () => {
    const renewals = new Renewals();
    renewals.answers = [false];
    renewals.watchdog.start();
    const moved = renewals.clock.advance(1_000);
    renewals.watchdog.stop();
    await moved;
    await renewals.clock.advance(10 * LEASE_MS);
    expect(renewals.revocations).toBe(0);
    expect(renewals.clock.pendingTimers).toBe(0);
  });
});
