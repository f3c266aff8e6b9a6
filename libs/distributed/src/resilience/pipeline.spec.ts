import { describe, expect, it } from '@jest/globals';
import { FakeClock, SequenceRandom } from '../testing/fake-clock.js';
import {
  BulkheadFullError,
  CircuitOpenError,
  currentAttempt,
  getAttempts,
  type Policy,
  type PolicyOptions,
  ResilienceService,
  TimeoutExceededError,
} from './index.js';

const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const reset = (): Error => Object.assign(new Error('reset'), { code: 'ECONNRESET' });
const never = (): Promise<never> => new Promise(() => undefined);

function policyOf(options: PolicyOptions): { policy: Policy; clock: FakeClock } {
  const clock = new FakeClock();
  const service = new ResilienceService(clock, new SequenceRandom(), {
    defaults: 'none',
    policies: { p: options },
  });
  return { policy: service.policy('p'), clock };
}

/** A call whose outcome can be looked at without awaiting it. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; settled: boolean } {
  const seen: { value?: T; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  );
  return seen;
}

describe('retry', () => {
  it('counts the first attempt too, backs off with full jitter, and rethrows the same object', async () => {
    const { policy, clock } = policyOf({ retry: {} });
    const at: number[] = [];
    const error = refused();
    const call = watch(
      policy.execute(() => {
        at.push(clock.now());
        throw error;
      }),
    );
    await clock.advance(10_000);
    // 0.5 × 50 ms, 0.5 × 100 ms.
    expect(at).toEqual([0, 25, 75]);
    expect(call.error).toBe(error);
    expect(getAttempts(call.error)).toBe(3);
  });

  it.each([
    ['not executed', refused(), false, 3],
    ['perhaps executed, not idempotent', reset(), false, 1],
    ['perhaps executed, idempotent', reset(), true, 3],
    ['permanent', new Error('no such order'), true, 1],
    ['cancelled', new DOMException('stop', 'AbortError'), true, 1],
  ])('%s', async (_case, error, idempotent, attempts) => {
    const { policy, clock } = policyOf({ retry: {}, idempotent });
    let runs = 0;
    const call = watch(
      policy.execute(async () => {
        runs++;
        throw error;
      }),
    );
    await clock.advance(10_000);
    expect({ runs, error: call.error }).toEqual({ runs: attempts, error });
  });

  it('stops when a later attempt may have been executed', async () => {
    const { policy, clock } = policyOf({ retry: { maxAttempts: 5 } });
    const errors = [refused(), reset(), refused()];
    let runs = 0;
    const call = watch(policy.execute(() => Promise.reject(errors[runs++] as Error)));
    await clock.advance(10_000);
    expect({ runs, error: call.error }).toEqual({ runs: 2, error: errors[1] });
  });

  it('gives up at once when the pause would outlast the total timeout', async () => {
    const { policy, clock } = policyOf({
      retry: { backoff: { initial: '10s', max: '10s' } },
      totalTimeout: '5s',
    });
    const error = refused();
    const call = watch(policy.execute(() => Promise.reject(error)));
    await clock.settle();
    expect(call.error).toBe(error);
    expect(clock.now()).toBe(0);
  });

  it('waits at least as long as the server asks, and not at all when it asks for too much', async () => {
    const { policy, clock } = policyOf({ retry: { maxRetryAfter: '10s' } });
    const at: number[] = [];
    const throttled = (retryAfter: string): object => ({
      status: 429,
      headers: { 'retry-after': retryAfter },
    });
    const first = watch(
      policy.execute(() => {
        at.push(clock.now());
        throw throttled(at.length === 1 ? '7' : '60');
      }),
    );
    await clock.advance(6_999);
    expect(at).toEqual([0]);
    await clock.advance(10_000);
    expect(at).toEqual([0, 7_025]);
    expect(first.settled).toBe(true);
  });

  it('never repeats when the push-back is negative', async () => {
    const { policy, clock } = policyOf({ retry: {}, idempotent: true });
    let runs = 0;
    const call = watch(
      policy.execute(() => {
        runs++;
        throw { code: 'E_REMOTE', retryable: true, executed: 'no', retryAfterMs: -1 };
      }),
    );
    await clock.advance(10_000);
    expect([runs, call.settled]).toEqual([1, true]);
  });

  it('does not hide from an outer pipeline that an earlier attempt may have been executed', async () => {
    // Mutation: recording no `executed` lets the outer policy repeat what may have been done.
    const clock = new FakeClock();
    const service = new ResilienceService(clock, new SequenceRandom(), {
      defaults: 'none',
      policies: { inner: { retry: { maxAttempts: 2 }, idempotent: true }, outer: { retry: {} } },
    });
    const errors = [reset(), refused()];
    let runs = 0;
    const call = watch(
      service
        .policy('outer')
        .execute(() =>
          service.policy('inner').execute(() => Promise.reject(errors[runs++] as Error)),
        ),
    );
    await clock.advance(60_000);
    expect({ runs, error: call.error }).toEqual({ runs: 2, error: errors[1] });
  });
});

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
    const clock = new FakeClock();
    const service = new ResilienceService(clock, new SequenceRandom(), {
      defaults: 'none',
      policies: { inner: { retry: { maxAttempts: 100 } }, outer: { timeout: '100ms' } },
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

  it('work left running by an attempt that succeeded is on its own', async () => {
    const { policy, clock } = policyOf({ timeout: '100ms', retry: {} });
    let background: Promise<string> | undefined;
    await policy.execute(async () => {
      background = clock.sleep(500).then(() => policy.execute(() => 'done'));
    });
    await clock.advance(1_000);
    await expect(background).resolves.toBe('done');
  });
});

describe('cancellation by the caller', () => {
  it('does not start a call that is cancelled already', async () => {
    const { policy } = policyOf({ retry: {} });
    let runs = 0;
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(policy.execute(() => runs++, { signal })).rejects.toThrow('gone');
    expect(runs).toBe(0);
  });

  it('reaches the attempt, is not retried, not counted, and asks no fallback', async () => {
    const { policy, clock } = policyOf({
      retry: {},
      idempotent: true,
      circuitBreaker: { minimumCalls: 1 },
      fallback: () => 'substitute',
    });
    const controller = new AbortController();
    let runs = 0;
    const call = watch(
      policy.execute(
        ({ signal }) =>
          new Promise((_, reject) => {
            runs++;
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
        { signal: controller.signal },
      ),
    );
    await clock.settle();
    const reason = new Error('gone');
    controller.abort(reason);
    await clock.advance(10_000);
    expect({ runs, error: call.error }).toEqual({ runs: 1, error: reason });
    expect(policy.circuitBreaker?.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('leaves no listener on a long-lived signal', async () => {
    const { policy } = policyOf({ retry: {} });
    const controller = new AbortController();
    let listeners = 0;
    const signal = new Proxy(controller.signal, {
      get(target, property) {
        if (property === 'addEventListener') listeners++;
        if (property === 'removeEventListener') listeners--;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await policy.execute(() => 1, { signal });
    expect(listeners).toBe(0);
  });
});

describe('composition', () => {
  it('an open circuit ends the retries, and the caller still sees why the work failed', async () => {
    const { policy, clock } = policyOf({
      retry: { maxAttempts: 5 },
      circuitBreaker: { minimumCalls: 2 },
    });
    let runs = 0;
    const call = watch(
      policy.execute(() => {
        runs++;
        throw refused();
      }),
    );
    await clock.advance(1_000);
    expect(runs).toBe(2);
    expect(call.error).toMatchObject({ code: 'ECONNREFUSED' });
    await expect(policy.execute(() => 1)).rejects.toBeInstanceOf(CircuitOpenError);
  });

  it('holds no slot during a back-off', async () => {
    const { policy, clock } = policyOf({ retry: {}, bulkhead: 1 });
    let runs = 0;
    const call = watch(policy.execute(() => (++runs === 1 ? Promise.reject(refused()) : 'ok')));
    await clock.settle();
    await expect(policy.execute(() => 'other')).resolves.toBe('other');
    await clock.advance(100);
    expect(call.value).toBe('ok');
  });

  it('a call that timed out keeps its slot until it has really ended', async () => {
    // Mutation: giving the slot back at the timeout doubles the load on a slow dependency.
    const { policy, clock } = policyOf({ timeout: '10ms', bulkhead: 1 });
    let inside = 0;
    let end: () => void = () => undefined;
    const slow = (): Promise<void> => {
      inside++;
      return new Promise((resolve) => (end = resolve));
    };
    const first = watch(policy.execute(slow));
    await clock.advance(10);
    expect(first.settled).toBe(true);
    await expect(policy.execute(slow)).rejects.toBeInstanceOf(BulkheadFullError);
    expect(inside).toBe(1);
    end();
    await clock.settle();
    const second = watch(policy.execute(slow));
    end();
    await clock.settle();
    expect(second.settled).toBe(true);
  });

  it('a fallback is asked once, with the final error, the arguments and the facts', async () => {
    const asked: unknown[] = [];
    const { policy, clock } = policyOf({
      retry: {},
      fallback: (error, args, context) => asked.push([error, args, context]) && 'substitute',
    });
    const error = refused();
    const call = watch(policy.execute(() => Promise.reject(error)));
    await clock.advance(1_000);
    expect(call.value).toBe('substitute');
    expect(asked).toEqual([
      [
        error,
        [],
        { policy: 'p', attempts: 3, failure: expect.objectContaining({ code: 'ECONNREFUSED' }) },
      ],
    ]);
  });

  it('runs a synchronous function too, and turns its throw into a rejection', async () => {
    const { policy } = policyOf({ timeout: '1s' });
    await expect(policy.execute(() => 1)).resolves.toBe(1);
    await expect(
      policy.execute(() => {
        throw new Error('sync');
      }),
    ).rejects.toThrow('sync');
  });
});
