import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { refused, resilienceModule, watch } from '../../../../test/support/resilience.fixture.js';
import type { MethodAspect } from '../aspects/index.js';
import { FakeClock } from '../testing/index.js';
import {
  Bulkhead,
  CircuitBreaker,
  Fallback,
  type FallbackContext,
  RESILIENCE_ORDER,
  ResilienceService,
  Retry,
  Timeout,
} from './index.js';

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

describe('written order (T22: resilience4j 558, 593, 614, 1305, 1444)', () => {
  const asked: FallbackContext[] = [];
  const decorators: Record<string, () => MethodAspect> = {
    Fallback: () =>
      Fallback((_error, _args, context) => {
        asked.push(context);
        return 'substitute';
      }) as MethodAspect,
    Timeout: () => Timeout({ attempt: '100ms', total: '1s' }),
    Retry: () => Retry({ maxAttempts: 3 }),
    CircuitBreaker: () => CircuitBreaker({ minimumCalls: 100 }),
    Bulkhead: () => Bulkhead(1),
  };
  const orders = permutations(Object.keys(decorators));

  it(`does not matter: all ${orders.length} give one chain, and retry before they fall back once`, async () => {
    const classes = orders.map((order) => {
      @Injectable()
      class Client {
        runs = 0;

        async call(): Promise<string> {
          this.runs++;
          throw refused();
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, 'call')!;
      // Decorators are applied from the last written to the first.
      for (const name of order.toReversed())
        decorators[name]!()(Client.prototype, 'call', descriptor);
      Object.defineProperty(Client.prototype, 'call', descriptor);
      return Client;
    });
    const clock = new FakeClock();
    const app = await Test.createTestingModule({
      imports: [resilienceModule(clock, { defaults: 'none' })],
      providers: classes,
    }).compile();
    app.useLogger(false);
    await app.init();
    const service = app.get(ResilienceService);
    for (const { strategies } of service.registry.list())
      expect(strategies).toEqual(RESILIENCE_ORDER);
    expect(service.registry.list()).toHaveLength(orders.length);
    for (const Client of classes) {
      const client = app.get(Client);
      asked.length = 0;
      const call = watch(client.call());
      await clock.advance(100);
      expect([call.value, client.runs, asked.length, asked[0]?.attempts]).toEqual([
        'substitute',
        3,
        1,
        3,
      ]);
    }
    await app.close();
  });
});
