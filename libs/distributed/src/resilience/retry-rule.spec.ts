import { describe, expect, it } from '@jest/globals';
import {
  policyOf,
  refused,
  reset,
  serviceOf,
  watch,
} from '../../../../test/support/resilience.fixture.js';
import { getAttempts } from './index.js';

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
    const { service, clock } = serviceOf({
      inner: { retry: { maxAttempts: 2 }, idempotent: true },
      outer: { retry: {} },
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
