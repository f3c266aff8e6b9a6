import { describe, expect, it } from '@jest/globals';
import { never, policyOf, refused, watch } from '../../../../test/support/resilience.fixture.js';
import { BulkheadFullError, CircuitOpenError } from './index.js';

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

  it('a total timeout is a failure of the dependency, and has a fallback', async () => {
    const { policy, clock } = policyOf({
      totalTimeout: '1s',
      circuitBreaker: { minimumCalls: 1 },
      fallback: () => 'substitute',
    });
    const call = watch(policy.execute(never));
    await clock.advance(1_000);
    expect([call.value, policy.circuitBreaker?.state]).toEqual(['substitute', 'open']);
  });

  it('an answer that the caller does not like still shows that the dependency is back', async () => {
    const { policy, clock } = policyOf({ circuitBreaker: { minimumCalls: 1 } });
    await policy.execute(() => Promise.reject(refused())).catch(() => 0);
    await clock.advance(6_000);
    const notFound = Object.assign(new Error('no such order'), { status: 404 });
    for (let i = 0; i < 3; i++) await policy.execute(() => Promise.reject(notFound)).catch(() => 0);
    expect(policy.circuitBreaker?.state).toBe('closed');
  });

  it('an error nobody recognises says nothing about the dependency', async () => {
    const { policy } = policyOf({ circuitBreaker: { minimumCalls: 1 } });
    await policy.execute(() => Promise.reject(new TypeError('our bug'))).catch(() => 0);
    expect(policy.circuitBreaker?.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('waiting for a slot does not make a call slow', async () => {
    const { policy, clock } = policyOf({
      bulkhead: { maxConcurrent: 1, maxQueue: 1 },
      circuitBreaker: { minimumCalls: 1, slowCall: '100ms' },
    });
    const first = watch(policy.execute(() => clock.sleep(99)));
    const second = watch(policy.execute(() => clock.sleep(99)));
    await clock.advance(200);
    expect([first.settled, second.settled]).toEqual([true, true]);
    expect(policy.circuitBreaker?.snapshot()).toMatchObject({ calls: 2, slowCalls: 0 });
  });

  it('a fallback answers for work that aborted itself: nobody gave up', async () => {
    const { policy } = policyOf({ fallback: () => 'substitute' });
    await expect(policy.execute(() => Promise.reject(AbortSignal.abort().reason))).resolves.toBe(
      'substitute',
    );
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
