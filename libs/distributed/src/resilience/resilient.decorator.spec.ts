import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  type INestApplication,
  NotFoundException,
  Param,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import {
  never,
  refused,
  resilienceModule,
  watch,
} from '../../../../test/support/resilience.fixture.js';
import type { MethodAspect } from '../aspects/index.js';
import { FakeClock } from '../testing/index.js';
import {
  Bulkhead,
  CircuitBreaker,
  currentAttempt,
  Fallback,
  type ResilienceModuleOptions,
  ResilienceService,
  Resilient,
  Retry,
  Timeout,
} from './index.js';

const apps: INestApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function boot(
  parts: { providers?: Type[]; controllers?: Type[] },
  options: ResilienceModuleOptions = { defaults: 'none' },
): Promise<{ app: INestApplication; clock: FakeClock; service: ResilienceService }> {
  const clock = new FakeClock();
  const module = await Test.createTestingModule({
    imports: [resilienceModule(clock, options)],
    ...parts,
  }).compile();
  const app = module.createNestApplication({ logger: false });
  apps.push(app);
  await app.init();
  return { app, clock, service: app.get(ResilienceService) };
}

describe('single decorators', () => {
  it('each switches on itself alone', async () => {
    class Parts {
      @Retry()
      async retry(): Promise<void> {}
      @Timeout('1s')
      async timeout(): Promise<void> {}
      @Timeout({ total: '1s' })
      async total(): Promise<void> {}
      @CircuitBreaker()
      async breaker(): Promise<void> {}
      @Bulkhead({ maxConcurrent: 2, maxQueue: 1 })
      async bulkhead(): Promise<void> {}
      @Fallback(() => undefined)
      async fallback(): Promise<void> {}
      @Resilient()
      async everything(): Promise<void> {}
    }
    const { service } = await boot({ providers: [Parts] }, {});
    expect(service.registry.list().map(({ name, strategies }) => [name, strategies])).toEqual([
      ['Parts.retry', ['retry']],
      ['Parts.timeout', ['timeout']],
      ['Parts.total', ['totalTimeout']],
      ['Parts.breaker', ['circuitBreaker']],
      ['Parts.bulkhead', ['bulkhead']],
      ['Parts.fallback', ['fallback']],
      ['Parts.everything', ['totalTimeout', 'retry', 'circuitBreaker', 'timeout']],
    ]);
  });

  it('a fallback gets error, arguments and facts, and the instance as `this`', async () => {
    const error = refused();
    class Prices {
      readonly substitute = 42;

      @Fallback(function (this: Prices, received: unknown, [id]: [string], { policy, attempts }) {
        return { received, id, policy, attempts, substitute: this.substitute };
      })
      async price(_id: string): Promise<object> {
        throw error;
      }
    }
    const { app } = await boot({ providers: [Prices] });
    await expect(app.get(Prices).price('a')).resolves.toEqual({
      received: error,
      id: 'a',
      policy: 'Prices.price',
      attempts: 1,
      substitute: 42,
    });
  });

  it('the method sees its attempt', async () => {
    class Client {
      @Retry({ maxAttempts: 2, idempotent: true })
      @Timeout('100ms')
      async call(): Promise<unknown> {
        const { attempt, remainingMs, signal } = currentAttempt()!;
        if (attempt === 1) return never();
        return { attempt, remainingMs, aborted: signal.aborted };
      }
    }
    const { app, clock } = await boot({ providers: [Client] });
    const call = watch(app.get(Client).call());
    await clock.advance(1_000);
    expect(call.value).toEqual({ attempt: 2, remainingMs: 100, aborted: false });
    expect(currentAttempt()).toBeUndefined();
  });
});

describe('on controllers', () => {
  it('retries inside the route, and leaves exceptions to the filters of Nest', async () => {
    let runs = 0;
    @Controller('orders')
    class Orders {
      @Get(':id')
      @Resilient({ retry: { backoff: { initial: 0 } } })
      async read(@Param('id') id: string): Promise<object> {
        runs++;
        if (id === 'gone') throw new NotFoundException();
        if (runs < 3) throw refused();
        return { id, runs };
      }
    }
    const { app, clock } = await boot({ controllers: [Orders] });
    // The pause of 0 ms ends whenever the clock is moved.
    const pump = setInterval(() => void clock.advance(0), 1);
    try {
      await request(app.getHttpServer()).get('/orders/1').expect(200, { id: '1', runs: 3 });
      await request(app.getHttpServer()).get('/orders/gone').expect(404);
    } finally {
      clearInterval(pump);
    }
    expect(runs).toBe(4);
  });
});

describe('state', () => {
  class Base {
    @CircuitBreaker({ minimumCalls: 1 })
    async call(fail: boolean): Promise<string> {
      if (fail) throw refused();
      return 'ok';
    }
  }
  class Payments extends Base {}
  class Stock extends Base {}

  it('is one per decorated method and class, and per application', async () => {
    const [one, two] = [
      await boot({ providers: [Payments, Stock] }),
      await boot({ providers: [Payments, Stock] }),
    ];
    await one.app
      .get(Payments)
      .call(true)
      .catch(() => 0);
    await expect(one.app.get(Payments).call(false)).rejects.toMatchObject({
      code: 'E_RESILIENCE_CIRCUIT_OPEN',
    });
    await expect(one.app.get(Stock).call(false)).resolves.toBe('ok');
    await expect(two.app.get(Payments).call(false)).resolves.toBe('ok');
  });

  it('is shared by all users of a named policy, except for sections a method writes itself', async () => {
    class Client {
      @Resilient('down')
      async first(): Promise<string> {
        throw refused();
      }
      @Resilient('down')
      async second(): Promise<string> {
        return 'ok';
      }
      @Resilient('down', { retry: { maxAttempts: 2 } })
      async own(): Promise<string> {
        return 'ok';
      }
      @CircuitBreaker()
      @Resilient('down')
      async apart(): Promise<string> {
        return 'ok';
      }
    }
    const { app, service } = await boot(
      { providers: [Client] },
      { defaults: 'none', policies: { down: { circuitBreaker: { minimumCalls: 1 } } } },
    );
    const client = app.get(Client);
    await client.first().catch(() => 0);
    const open = { code: 'E_RESILIENCE_CIRCUIT_OPEN' };
    await expect(client.second()).rejects.toMatchObject(open);
    await expect(service.policy('down').execute(() => 'ok')).rejects.toMatchObject(open);
    await expect(client.own()).rejects.toMatchObject(open);
    await expect(client.apart()).resolves.toBe('ok');
  });
});

describe('mistakes fail the boot or the decoration, with the fix in the message', () => {
  it('an unknown policy', async () => {
    class Client {
      @Resilient('paymnets')
      async call(): Promise<void> {}
    }
    await expect(boot({ providers: [Client] }, { policies: { payments: {} } })).rejects.toThrow(
      /@Resilient\('paymnets'\) on Client.call\(\).*known are: 'payments'/,
    );
  });

  it('a decorator that switches nothing on', async () => {
    class Client {
      @Resilient()
      async call(): Promise<void> {}
    }
    await expect(boot({ providers: [Client] }, { defaults: 'none' })).rejects.toThrow(
      '@Resilient() on Client.call(): switches nothing on',
    );
  });

  it.each<[string, () => MethodAspect[], RegExp]>([
    [
      'an unknown option',
      () => [Retry({ attempts: 3 } as object)],
      /@Retry\(\) on .*retry\.attempts: unknown option/,
    ],
    [
      'a wrong duration',
      () => [Timeout('2sec' as '2s')],
      /@Timeout\(\) on .*timeout: expected a duration/,
    ],
    ['no attempts', () => [Retry({ maxAttempts: 0 })], /retry\.maxAttempts/],
    ['a percentage', () => [CircuitBreaker({ failureRate: 50 })], /circuitBreaker\.failureRate/],
    [
      'a queue limit without a queue',
      () => [Bulkhead({ maxConcurrent: 1, maxWait: '1s' })],
      /maxWait.*maxQueue/,
    ],
    [
      'one section twice',
      () => [Retry(), Resilient({ retry: {} })],
      /`retry` is set by two decorators/,
    ],
    ['@Resilient twice', () => [Resilient('a'), Resilient('b')], /stands twice/],
  ])('%s', (_case, decorators, message) => {
    const decorate = (): void => {
      class Client {
        async call(): Promise<void> {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, 'call')!;
      for (const decorator of decorators()) decorator(Client.prototype, 'call', descriptor);
    };
    expect(decorate).toThrow(message);
  });

  it('a slow-call rate when no call can be slow', async () => {
    class Client {
      @CircuitBreaker({ slowCallRate: 0.5 })
      async call(): Promise<void> {}
    }
    await expect(boot({ providers: [Client] })).rejects.toThrow(/slowCallRate: has no effect/);
  });
});
