import { describe, expect, it } from '@jest/globals';
import { policyOf, refused, watch } from '../../../../test/support/resilience.fixture.js';

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

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'settles at once when it comes %i reactions after a failure that would be repeated',
    async (reactions) => {
      // Mutation: a pause that begins after the end hears of nothing and lasts its full time.
      const { policy, clock } = policyOf({ retry: { backoff: { initial: '1s', jitter: 'none' } } });
      const controller = new AbortController();
      const { signal } = controller;
      const call = watch(policy.execute(() => Promise.reject(refused()), { signal }));
      for (let i = 0; i < reactions; i++) await Promise.resolve();
      controller.abort(new Error('gone'));
      await clock.settle();
      expect([call.settled, clock.pendingTimers]).toEqual([true, 0]);
    },
  );
});
