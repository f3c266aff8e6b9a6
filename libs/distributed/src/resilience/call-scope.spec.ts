import { describe, expect, it } from '@jest/globals';
import { policyOf, watch } from '../../../../test/support/resilience.fixture.js';

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
