/** One timer for the deadlines of all calls under way. */
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../testing/fake-clock.js';
import { RedisCalls } from './redis-calls.js';

const never = (): Promise<never> => new Promise<never>(() => {});

describe('RedisCalls', () => {
  function setUp(): {
    clock: FakeClock;
    calls: RedisCalls;
    start: (at: number) => void;
    ended: string[];
  } {
    const clock = new FakeClock();
    const calls = new RedisCalls(clock);
    const ended: string[] = [];
    const start = (at: number): void => {
      void calls.attempt(never, at).then(({ kind }) => ended.push(`${at} ${kind} ${clock.now()}`));
    };
    return { clock, calls, start, ended };
  }

  // Catches a timer set for the first call only, for the last one, and one that is not set again.
  it('ends each call at its own deadline, whatever the order they came in', async () => {
    const { clock, calls, start, ended } = setUp();
    for (const at of [200, 100, 100, 300]) start(at);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(300);
    expect(ended).toEqual(['100 late 100', '100 late 100', '200 late 200', '300 late 300']);
    expect([calls.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('keeps one timer over any number of answered calls', async () => {
    const { clock, calls, start, ended } = setUp();
    for (let at = 1_000; at < 1_100; at++) {
      const outcome = await calls.attempt(async () => at, at);
      expect(outcome).toEqual({ kind: 'done', value: at });
    }
    expect([calls.size, clock.pendingTimers]).toEqual([0, 1]);
    // The timer of the first call is still there, and covers this one, too.
    start(1_500);
    await clock.advance(1_499);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual(['1500 late 1500']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is late at once when there is no time left', async () => {
    const { clock, start, ended } = setUp();
    await clock.advance(50);
    start(20);
    await clock.advance(0);
    expect(ended).toEqual(['20 late 50']);
  });

  // Catches a timer that outlives the connection and holds the process.
  it('has neither calls nor a timer when the connection is lost', async () => {
    const { clock, calls, start, ended } = setUp();
    start(100);
    start(200);
    calls.loseAll();
    expect([calls.size, clock.pendingTimers]).toEqual([0, 0]);
    await clock.settle();
    expect(ended).toEqual(['100 lost 0', '200 lost 0']);
    start(300);
    await clock.advance(300);
    expect(ended.at(-1)).toBe('300 late 300');
  });

  it('takes a synchronous throw for a failure, and drops what comes too late', async () => {
    const { clock, calls } = setUp();
    const error = new Error('refused');
    const thrown = calls.attempt(() => {
      throw error;
    }, 100);
    expect(await thrown).toEqual({ kind: 'failed', error });
    let answer: (value: string) => void = () => {};
    const slow = calls.attempt(() => new Promise<string>((resolve) => (answer = resolve)), 100);
    await clock.advance(100);
    answer('too late');
    expect(await slow).toEqual({ kind: 'late' });
    expect(calls.size).toBe(0);
  });
});
