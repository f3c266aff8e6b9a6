import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from '@jest/globals';
import {
  never,
  policyOf,
  refused,
  serviceOf,
  watch,
} from '../../../../test/support/resilience.fixture.js';
import { TimeoutExceededError, currentAttempt, getAttempts, RESILIENCE_CHANNELS } from './index.js';

const fail = (): never => {
  throw refused();
};

describe('time limits', () => {
  it('ends an attempt, aborts its signal with the same error, and leaves no timer of ours running', async () => {
    const { policy, clock } = policyOf({ timeout: '100ms' });
    let signal: AbortSignal | undefined;
    const call = watch(
      policy.execute((attempt) => {
        ({ signal } = attempt);
        return never();
      }),
    );
    await clock.advance(99);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toBeInstanceOf(TimeoutExceededError);
    expect(call.error).toMatchObject({ scope: 'attempt', timeoutMs: 100, executed: 'unknown' });
    expect(signal?.reason).toBe(call.error);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is forgotten when the attempt ends in time', async () => {
    const { policy, clock } = policyOf({ timeout: '100ms', totalTimeout: '1s' });
    const timeouts: unknown[] = [];
    const onTimeout = (message: unknown): void => void timeouts.push(message);
    subscribe(RESILIENCE_CHANNELS.timeout, onTimeout);
    const signal = await policy.execute((attempt) => attempt.signal);
    await clock.advance(10_000);
    unsubscribe(RESILIENCE_CHANNELS.timeout, onTimeout);
    expect([signal.aborted, timeouts]).toEqual([false, []]);
  });

  it('gives every attempt its own signal and its own time', async () => {
    const { policy, clock } = policyOf({
      timeout: '100ms',
      retry: { maxAttempts: 2 },
      idempotent: true,
    });
    const contexts: { attempt: number; remainingMs: number; signal: AbortSignal }[] = [];
    const call = watch(
      policy.execute(async () => {
        const { attempt, remainingMs, signal } = currentAttempt()!;
        contexts.push({ attempt, remainingMs, signal });
        if (attempt === 1) await never();
        return signal.aborted;
      }),
    );
    await clock.advance(1_000);
    expect(contexts.map(({ attempt, remainingMs }) => [attempt, remainingMs])).toEqual([
      [1, 100],
      [2, 100],
    ]);
    expect(call.value).toBe(false);
  });

  it('ends the call wherever it is: in an attempt, in a pause, in the queue', async () => {
    const { policy, clock } = policyOf({
      totalTimeout: '1s',
      bulkhead: { maxConcurrent: 1, maxQueue: 1 },
    });
    const running = watch(policy.execute(never));
    await clock.advance(500);
    const queued = watch(policy.execute(never));
    await clock.advance(500);
    expect(running.error).toMatchObject({ scope: 'total', executed: 'unknown' });
    expect(queued.settled).toBe(false);
    await clock.advance(500);
    // Never called, so surely not executed.
    expect(queued.error).toMatchObject({ scope: 'total', executed: 'no' });
    expect(policy.snapshot().bulkhead).toMatchObject({ inUse: 1, queued: 0 });
  });

  it('names the last failure as the cause of a total timeout', async () => {
    const { policy, clock } = policyOf({ totalTimeout: '1s', retry: {} });
    const error = refused();
    const call = watch(
      policy.execute(({ attempt }) => (attempt === 1 ? Promise.reject(error) : never())),
    );
    await clock.advance(1_000);
    expect(call.error).toMatchObject({ scope: 'total', cause: error });
    expect(getAttempts(call.error)).toBe(2);
  });

  it('observes what a timed-out attempt settles with: nothing is unhandled, nothing changes', async () => {
    const { policy, clock } = policyOf({ timeout: '10ms' });
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listener);
    let fail: (error: Error) => void = () => undefined;
    const call = watch(policy.execute(() => new Promise((_, reject) => (fail = reject))));
    await clock.advance(10);
    fail(new Error('late'));
    await clock.settle();
    process.off('unhandledRejection', listener);
    expect({ unhandled, timedOut: call.error instanceof TimeoutExceededError }).toEqual({
      unhandled: [],
      timedOut: true,
    });
  });

  it('a pipeline inside an attempt ends with it: no orphan goes on retrying', async () => {
    const { service, clock } = serviceOf({
      inner: { retry: { maxAttempts: 100 } },
      outer: { timeout: '100ms' },
    });
    let runs = 0;
    const call = watch(
      service.policy('outer').execute(() =>
        service.policy('inner').execute(() => {
          runs++;
          throw refused();
        }),
      ),
    );
    await clock.advance(100);
    const runsAtTimeout = runs;
    await clock.advance(60_000);
    expect(runsAtTimeout).toBeGreaterThan(0);
    expect(runs).toBe(runsAtTimeout);
    expect(call.settled).toBe(true);
  });

  it('the end of an attempt reaches the signal of a pipeline inside it', async () => {
    const { service, clock } = serviceOf({ inner: { retry: {} }, outer: { timeout: '100ms' } });
    let signal: AbortSignal | undefined;
    const call = watch(
      service.policy('outer').execute(() =>
        service.policy('inner').execute((attempt) => {
          ({ signal } = attempt);
          return never();
        }),
      ),
    );
    await clock.advance(100);
    expect(signal?.reason).toBe(call.error);
  });

  it('work left running by an attempt that succeeded is on its own', async () => {
    const { policy, clock } = policyOf({ timeout: '100ms', retry: {} });
    let background: Promise<string> | undefined;
    await policy.execute(async () => {
      background = clock
        .sleep(500)
        .then(() => policy.execute(({ attempt }) => (attempt === 1 ? fail() : 'done')));
    });
    await clock.advance(1_000);
    await expect(background).resolves.toBe('done');
  });
});
