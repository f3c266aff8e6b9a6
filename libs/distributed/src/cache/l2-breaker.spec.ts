/** The breaker opens on a rate, tries again with one call, and closes on an answer. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../../../test/support/manual-clock.fixture.js';
import { DistributedError } from '../distributed.errors.js';
import { resolveCacheOptions } from './cache.options.js';
import { L2Breaker } from './l2-breaker.js';

describe('L2Breaker', () => {
  let clock: ManualClock;
  let breaker: L2Breaker;
  let calls: number;

  beforeEach(() => {
    clock = new ManualClock();
    breaker = new L2Breaker(clock, resolveCacheOptions({}));
    calls = 0;
  });

  const answer = (): Promise<string> => Promise.resolve(`answer ${++calls}`);
  const hang = (): Promise<string> => {
    calls++;
    return Promise.reject(new DistributedError('E_REDIS_DEADLINE', 'late', { retryable: true }));
  };
  const run = (call: () => Promise<string>): Promise<string> =>
    breaker.run(call).catch((error: DistributedError) => error.code);
  const times = async (count: number, call: () => Promise<string>): Promise<void> => {
    for (let index = 0; index < count; index++) await run(call);
  };

  it('opens when half of at least 20 calls failed, not before', async () => {
    await times(19, hang);
    expect(breaker.state).toBe('closed');
    await run(hang);
    expect(breaker.state).toBe('open');
    expect(await run(answer)).toBe('E_CACHE_BACKEND');
    expect(calls).toBe(20);
  });

  it('stays closed while most calls are answered', async () => {
    for (let index = 0; index < 50; index++) {
      await times(2, answer);
      await run(hang);
    }
    expect(breaker.state).toBe('closed');
  });

  it('forgets what is older than the window (catches: totals since the start)', async () => {
    await times(19, hang);
    clock.time += 11_000;
    await times(2, hang);
    expect(breaker.state).toBe('closed');
  });

  it('lets one call through after a while, and closes when it is answered', async () => {
    await times(20, hang);
    clock.time += 5_000;
    expect(breaker.state).toBe('half-open');
    let finish!: (value: string) => void;
    const probe = breaker.run(() => new Promise<string>((resolve) => (finish = resolve)));
    expect(await run(answer)).toBe('E_CACHE_BACKEND');
    finish('back');
    expect(await probe).toBe('back');
    expect(breaker.state).toBe('closed');
    expect(await run(answer)).toMatch(/^answer/);
  });

  it('opens again when that call fails too', async () => {
    await times(20, hang);
    clock.time += 5_000;
    await run(hang);
    expect(breaker.state).toBe('open');
    clock.time += 5_000;
    expect(breaker.state).toBe('half-open');
  });

  it('takes an error of a command for an answer', async () => {
    const refuse = (): Promise<string> => Promise.reject(new TypeError('WRONGTYPE'));
    await times(30, refuse);
    expect(breaker.state).toBe('closed');
  });

  it('learns from calls that it may not refuse: an eviction that is confirmed closes it', async () => {
    await times(20, hang);
    await breaker.observe(answer);
    expect(breaker.state).toBe('closed');
  });

  it('can be switched off', async () => {
    breaker = new L2Breaker(clock, resolveCacheOptions({ l2: { breaker: false } }));
    await times(50, hang);
    expect(breaker.state).toBe('closed');
  });
});
