/** @DistributedLock on methods of a Nest application, against a real server. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DynamicModule, HttpException, Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { AspectBinder, AspectRuntime } from '../aspects/index.js';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { REDIS_OPTIONS, RedisModule } from '../redis/index.js';
import { Clock, Random, SystemClock, SystemRandom } from '../time/index.js';
import { currentLock, DistributedLock, LockAspect, LockModule, LockService } from './index.js';

const conflict = new HttpException('sold out', 409);

@Injectable()
class Orders {
  inside = 0;
  most = 0;

  @DistributedLock({ key: (id: string) => ['order', id] })
  async pay(id: string, work: () => Promise<void> = async () => {}): Promise<string> {
    this.most = Math.max(this.most, ++this.inside);
    await work();
    this.inside--;
    return `${id} ${currentLock()!.key} ${currentLock()!.held}`;
  }

  @DistributedLock({ key: (_reason: string, id: string) => ['order', id], wait: '100ms' })
  async cancel(_reason: string, id: string): Promise<string> {
    return id;
  }

  @DistributedLock('nightly-report', { ifLocked: 'skip' })
  async report<T>(value: T): Promise<T> {
    return value;
  }

  @DistributedLock('failing')
  async fail(): Promise<never> {
    throw conflict;
  }

  @DistributedLock('named', { name: 'my-lock', ifLocked: 'throw' })
  async named(): Promise<void> {}
}

@Module({})
class CoreModule {}

@Module({})
class AppModule {}

function application(url: string): DynamicModule {
  const core: DynamicModule = {
    module: CoreModule,
    providers: [
      { provide: Clock, useClass: SystemClock },
      { provide: Random, useClass: SystemRandom },
      { provide: REDIS_OPTIONS, useValue: { url } },
      { provide: capabilityOptionsToken('lock'), useValue: {} },
    ],
    exports: [Clock, Random, REDIS_OPTIONS, capabilityOptionsToken('lock')],
  };
  const redis = RedisModule.register(core);
  const runtime = {
    provide: AspectRuntime,
    inject: [LockAspect],
    useFactory: (lock: LockAspect) => new AspectRuntime([lock]),
  };
  return {
    module: AppModule,
    global: true,
    imports: [LockModule.register(core, redis)],
    providers: [runtime, AspectBinder, Orders],
    exports: [AspectRuntime],
  };
}

describe('@DistributedLock', () => {
  let server: RedisServer;
  let app: TestingModule;
  let orders: Orders;
  let locks: LockService;

  beforeAll(async () => {
    server = await startRedis();
    app = await Test.createTestingModule({ imports: [application(server.url)] }).compile();
    await app.init();
    orders = app.get(Orders);
    locks = app.get(LockService);
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  it('runs the method under the lock its arguments name', async () => {
    expect(await orders.pay('42')).toBe('42 order:42 true');
    expect(await locks.query(['order', '42'])).toBeNull();
  });

  it('lets one call at a time per key, and different keys together', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await Promise.all(Array.from({ length: 10 }, () => orders.pay('same', turn)));
    expect(orders.most).toBe(1);
    let release!: () => void;
    const first = orders.pay('a', () => new Promise((resolve) => (release = resolve)));
    await orders.pay('b');
    release();
    await first;
    expect(orders.most).toBe(2);
  });

  it('excludes other methods with the same key', async () => {
    await orders.pay('7', async () => {
      const other = locks.execute('outside', () => undefined);
      await other;
    });
    const held = await locks.acquire(['order', '7']);
    await expect(orders.cancel('late', '7')).rejects.toMatchObject({
      code: 'E_LOCK_WAIT_TIMEOUT',
      details: { name: 'Orders.cancel', waitMs: 100 },
    });
    await held.release();
    expect(await orders.cancel('in time', '7')).toBe('7');
  });

  it('joins when a decorated method calls another for the same key', async () => {
    const result = await orders.pay('9', async () => void (await orders.cancel('nested', '9')));
    expect(result).toBe('9 order:9 true');
  });

  it('fits generic methods with a constant key, and skips', async () => {
    expect(await orders.report({ pages: 3 })).toEqual({ pages: 3 });
    const held = await locks.acquire('nightly-report');
    expect(await orders.report('skipped')).toBeUndefined();
    await held.release();
  });

  it("lets the method's own error through: the same object", async () => {
    await expect(orders.fail()).rejects.toBe(conflict);
  });

  it('takes a name for metrics', async () => {
    const held = await locks.acquire('named');
    await expect(orders.named()).rejects.toMatchObject({
      code: 'E_LOCK_HELD',
      details: { name: 'my-lock' },
    });
    await held.release();
  });

  it('refuses a call whose key identifies nothing', async () => {
    await expect(orders.pay(undefined as never)).rejects.toMatchObject({ code: 'E_KEY_INVALID' });
  });

  it.each([
    ['an unknown option', () => DistributedLock('k', { leese: '1s' } as never), /'leese'/],
    ['a lease too short', () => DistributedLock({ key: 'k', lease: 5 }), /lease: must be at least/],
    ['wait with skip', () => DistributedLock('k', { ifLocked: 'skip', wait: 1 }), /no effect/],
    ['no key', () => DistributedLock({} as never), /key of @DistributedLock\(\) on Late.method/],
  ])('refuses %s at decoration', (_what, make, problem) => {
    const decorate = (): void => {
      class Late {
        @(make() as MethodDecorator)
        async method(): Promise<void> {}
      }
      void Late;
    };
    expect(decorate).toThrow(problem);
  });
});
