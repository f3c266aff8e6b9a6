import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  never,
  refused,
  reset,
  serviceOf,
  watch,
} from '../../../../test/support/resilience.fixture.js';
import { FakeClock, SequenceRandom } from '../testing/index.js';
import { CircuitOpenError, ResilienceService, UnknownPolicyError } from './index.js';

describe('policies of forRoot', () => {
  it('start from the standard defaults, section by section', () => {
    const { service } = serviceOf(
      { a: {}, b: { retry: false, timeout: '1s', bulkhead: 5 } },
      'standard',
    );
    expect(service.policy('a').describe()).toEqual([
      'totalTimeout',
      'retry',
      'circuitBreaker',
      'timeout',
    ]);
    expect(service.policy('b').describe()).toEqual([
      'totalTimeout',
      'circuitBreaker',
      'bulkhead',
      'timeout',
    ]);
  });

  it('limit an attempt to 2 s and a call to 5 s', async () => {
    const { service, clock } = serviceOf({ a: { idempotent: true } }, 'standard');
    const starts: number[] = [];
    const call = watch(
      service.policy('a').execute(() => {
        starts.push(clock.now());
        return never();
      }),
    );
    await clock.advance(60_000);
    expect(starts).toEqual([0, 2_025, 4_075]);
    expect(call.error).toMatchObject({ scope: 'total', timeoutMs: 5_000 });
  });

  it('are checked with the path of the wrong field', () => {
    const make = (options: unknown) => () =>
      new ResilienceService(new FakeClock(), new SequenceRandom(), options);
    expect(make({ policies: { a: { timout: 1 } } })).toThrow(
      "DistributedModule.forRoot().resilience.policies.a.timout: unknown option 'timout'",
    );
    expect(make({ policies: { a: { retry: { backoff: { jitter: 'some' } } } } })).toThrow(
      /policies\.a\.retry\.backoff\.jitter/,
    );
  });

  it('an unknown name is an error that lists the known ones', () => {
    const { service } = serviceOf({ a: { timeout: 1 } });
    expect(() => service.policy('b')).toThrow(UnknownPolicyError);
    expect(() => service.policy('b')).toThrow("known are: 'a'");
  });
});

describe('by hand', () => {
  it('an operator opens and closes a circuit', async () => {
    const { service } = serviceOf({ a: { circuitBreaker: {} } });
    const { circuitBreaker } = service.registry.get('a');
    circuitBreaker!.forceOpen();
    await expect(service.policy('a').execute(() => 1)).rejects.toBeInstanceOf(CircuitOpenError);
    circuitBreaker!.reset();
    await expect(service.policy('a').execute(() => 1)).resolves.toBe(1);
  });

  it('an update holds for later calls, keeps what breaker and bulkhead know, and may be refused', async () => {
    const { service, clock } = serviceOf({ a: { circuitBreaker: {}, bulkhead: 1 } });
    const policy = service.policy('a');
    watch(policy.execute(never));
    const handle = policy.circuitBreaker;
    handle!.metricsOnly();
    service.registry.update('a', {
      bulkhead: 3,
      timeout: '100ms',
      circuitBreaker: { minimumCalls: 1 },
    });
    expect(policy.snapshot().bulkhead).toMatchObject({ maxConcurrent: 3, inUse: 1 });
    expect([policy.circuitBreaker === handle, handle?.mode]).toEqual([true, 'metrics-only']);
    const call = watch(policy.execute(never));
    await clock.advance(100);
    expect(call.error).toMatchObject({ scope: 'attempt' });
    handle!.reset();
    await policy.execute(() => Promise.reject(refused())).catch(() => 0);
    expect(handle!.state).toBe('open');
    expect(() => service.registry.update('a', { bulkhead: 0 })).toThrow(/policy 'a'\.bulkhead/);
    expect(policy.snapshot().bulkhead).toMatchObject({ maxConcurrent: 3 });
  });

  it('an update reaches methods that name the policy and add to it', async () => {
    const { service, clock } = serviceOf({ a: { timeout: '1s' } });
    const derived = service.registry.createForMethod('C.m', {
      policy: 'a',
      defaults: false,
      parts: { idempotent: true },
    });
    service.registry.update('a', { timeout: '10ms' });
    const call = watch(derived.execute(never));
    await clock.advance(10);
    expect(call.error).toMatchObject({ timeoutMs: 10 });
  });
});

describe('classification of the application', () => {
  it('asks the policy, then the application, then the library', async () => {
    const clock = new FakeClock();
    const service = new ResilienceService(clock, new SequenceRandom(), {
      defaults: 'none',
      classifiers: [
        (error: Error) =>
          error.message === 'flaky'
            ? { kind: 'transient', executed: 'no', source: 'app' }
            : undefined,
      ],
      policies: {
        open: { retry: {} },
        strict: {
          retry: {},
          classify: () => ({ kind: 'permanent', executed: 'yes', source: 'policy' }),
        },
      },
    });
    const runs = { open: 0, strict: 0 };
    for (const name of ['open', 'strict'] as const)
      watch(
        service.policy(name).execute(() => {
          runs[name]++;
          throw new Error('flaky');
        }),
      );
    await clock.advance(10_000);
    expect(runs).toEqual({ open: 3, strict: 1 });
    expect(service.handleNetworkError(new Error('flaky'))).toMatchObject({ source: 'app' });
  });

  it('tells onNetworkError of every failed attempt, and survives its mistakes', async () => {
    const error = reset();
    const onNetworkError = jest.fn(() => {
      throw new Error('bug in the hook');
    });
    const log = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const clock = new FakeClock();
    const service = new ResilienceService(clock, new SequenceRandom(), {
      onNetworkError,
      policies: { a: { idempotent: true } },
    });
    const call = watch(service.policy('a').execute(() => Promise.reject(error)));
    watch(service.policy('a').execute(() => Promise.reject(new Error('boom'))));
    await clock.advance(10_000);
    expect(call.error).toBe(error);
    expect(onNetworkError).toHaveBeenCalledTimes(3);
    expect(log).toHaveBeenCalledTimes(3);
    expect(() => service.handleNetworkError(refused())).not.toThrow();
    log.mockRestore();
  });
});
