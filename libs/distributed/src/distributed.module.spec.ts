import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type DynamicModule, Injectable, type ModuleMetadata, type Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { startRedis } from '../../../test/support/redis.fixture.js';
import {
  Cached,
  CacheService,
  DistributedLock,
  DistributedModule,
  type DistributedModuleOptions,
  inspectAspects,
  LockService,
  RedisConnection,
  Resilient,
  Transactional,
  TransactionService,
} from './index.js';

@Injectable()
class Stock {
  loads = 0;

  @Resilient('default')
  @DistributedLock({ key: (sku: string) => ['sku', sku] })
  @Cached({ name: 'stock', key: (sku: string) => sku })
  async read(_sku: string): Promise<number> {
    this.loads += 1;
    return this.loads;
  }
}

describe('DistributedModule', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  const apps: TestingModule[] = [];
  const connections: Promise<RedisConnection>[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    for (const connection of connections.splice(0)) await (await connection).close();
  });
  afterAll(() => redis.stop());

  /**
   * A boot that fails. Nest gives nobody the chance to close what its factories have opened by then,
   * so the connection is made here, and closed after the test.
   */
  const failingBoot = async (
    module: DynamicModule,
    providers: Provider[] = [Stock],
  ): Promise<unknown> => {
    const connect = () => {
      const connecting = RedisConnection.connect({ url: redis.url });
      connections.push(connecting);
      return connecting;
    };
    const app = await Test.createTestingModule({ imports: [module], providers })
      .overrideProvider(RedisConnection)
      .useFactory({ factory: connect })
      .compile();
    return app.init();
  };
  const boot = async (
    imports: ModuleMetadata['imports'],
    providers: ModuleMetadata['providers'] = [Stock],
  ) => {
    const app = await Test.createTestingModule({
      imports: imports ?? [],
      providers: providers ?? [],
    }).compile();
    app.enableShutdownHooks();
    apps.push(app);
    return app.init();
  };
  const all = (): DistributedModuleOptions => ({
    redis: { url: redis.url },
    lock: {},
    cache: { ttl: '1m' },
    transaction: {},
    resilience: { policies: { default: {} } },
  });

  it('forRoot: decorators work together, and each service twin can be injected', async () => {
    const app = await boot([DistributedModule.forRoot(all())]);
    expect(inspectAspects(Stock.prototype.read).map((aspect) => aspect.kind)).toEqual([
      'cache',
      'resilience',
      'lock',
    ]);
    expect([await app.get(Stock).read('a'), await app.get(Stock).read('a')]).toEqual([1, 1]);
    for (const service of [LockService, CacheService, TransactionService]) {
      expect(app.get(service)).toBeInstanceOf(service);
    }
  });

  it('forRootAsync: capabilities are named, options come from a factory', async () => {
    const app = await boot([
      DistributedModule.forRootAsync({
        capabilities: ['lock', 'cache', 'resilience'],
        useFactory: async () => ({
          redis: { url: redis.url },
          cache: { ttl: 1_000 },
          resilience: { policies: { default: {} } },
        }),
      }),
    ]);
    expect(await app.get(Stock).read('b')).toBe(1);
  });

  it('two applications in one process have services of their own', async () => {
    const [first, second] = [
      await boot([DistributedModule.forRoot(all())]),
      await boot([DistributedModule.forRoot(all())]),
    ];
    expect(first.get(LockService)).not.toBe(second.get(LockService));
    await second.close();
    apps.splice(apps.indexOf(second), 1);
    expect(await first.get(Stock).read('c')).toBe(1);
  });

  it('a capability that was left out: its decorator fails the boot and says what to add', async () => {
    const { lock: _lock, ...withoutLock } = all();
    await expect(failingBoot(DistributedModule.forRoot(withoutLock))).rejects.toMatchObject({
      code: 'E_CAPABILITY_MISSING',
      message: expect.stringContaining('add `lock: {…}`'),
    });
  });

  it('fenced transactions without locks fail the boot, on a method and as a default', async () => {
    class Fenced {
      @Transactional({ fenced: true })
      async pay(): Promise<void> {}
    }
    const error = { code: 'E_TRANSACTION_FENCE', message: expect.stringContaining('lock: {…}') };
    const { lock: _lock, ...withoutLock } = all();
    await expect(
      failingBoot(DistributedModule.forRoot(withoutLock), [Fenced]),
    ).rejects.toMatchObject({ ...error, details: { label: '@Transactional() on Fenced.pay()' } });
    const everywhere = { ...withoutLock, transaction: { fenced: 'ifLocked' } } as const;
    await expect(failingBoot(DistributedModule.forRoot(everywhere), [])).rejects.toMatchObject(
      error,
    );
  });

  it('… and its service is Nest’s own dependency error', async () => {
    @Injectable()
    class NeedsLock {
      constructor(readonly locks: LockService) {}
    }
    const { lock: _lock, ...withoutLock } = all();
    await expect(failingBoot(DistributedModule.forRoot(withoutLock), [NeedsLock])).rejects.toThrow(
      /LockService/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['an unknown capability', { lokc: {} }, /forRoot\(\)\.lokc: unknown option 'lokc'/],
    ['a wrong field', { lock: { lease: '5x' } }, /forRoot\(\)\.lock\.\S*: /],
    ['a name nobody declared', { resilience: { policies: {} } }, /default/],
  ])('%s fails the boot with its path', async (_what, wrong, message) => {
    const module = DistributedModule.forRoot({ ...all(), ...wrong });
    await expect(failingBoot(module)).rejects.toThrow(message);
  });

  it('a missing Redis fails the boot with its path', async () => {
    const module = DistributedModule.forRoot({ ...all(), redis: undefined });
    await expect(boot([module])).rejects.toThrow(/forRoot\(\)\.redis/);
  });

  it('options for a capability that forRootAsync does not name fail the boot', async () => {
    const boots = failingBoot(
      DistributedModule.forRootAsync({ capabilities: ['lock'], useFactory: () => all() }),
      [],
    );
    await expect(boots).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringContaining("add 'cache'"),
    });
  });

  it('misuse of capabilities is found when the module is written', () => {
    expect(() => DistributedModule.forRoot({ capabilities: ['lock'] })).toThrow(
      /belongs to forRootAsync/,
    );
    expect(() =>
      DistributedModule.forRootAsync({ capabilities: ['lokc' as never], useFactory: () => ({}) }),
    ).toThrow(/unknown capability 'lokc'/);
  });
});
