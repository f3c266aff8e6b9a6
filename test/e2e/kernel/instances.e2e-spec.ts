/** Every way an instance comes to life finds the runtime of its own application, or is refused. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, type OnModuleInit, Scope, type Type } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  AspectRuntime,
  bindAspects,
  CapabilityMissingError,
} from '../../../libs/distributed/src/aspects/index.js';
import { Recorded, recordingModule } from '../../support/recording-aspect.fixture.js';

@Injectable()
class Orders {
  #placed = 0;

  @Recorded()
  async place(): Promise<number> {
    this.#placed += 1;
    return this.#placed;
  }

  /** Self-calls go through the aspect too: no proxy is needed. */
  async placeTwice(): Promise<number> {
    await this.place();
    return this.place();
  }
}

const ONCE = ['lock>', '<lock'];
let journal: string[];
const start = async (providers: object[], journalOfApp = journal): Promise<TestingModule> => {
  const module = await Test.createTestingModule({
    imports: [recordingModule(journalOfApp)],
    providers: providers as Type[],
  }).compile();
  return module.init();
};

beforeEach(() => {
  journal = [];
});

describe('instances Nest creates', () => {
  it('singleton provider, with #private fields and self-calls', async () => {
    const app = await start([Orders]);
    expect(await app.get(Orders).placeTwice()).toBe(2);
    expect(journal).toEqual([...ONCE, ...ONCE]);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('scope %s', async (scope) => {
    @Injectable({ scope })
    class Scoped extends Orders {}
    const app = await start([Scoped]);
    await (await app.resolve(Scoped)).place();
    await (await app.resolve(Scoped)).place();
    expect(journal).toEqual([...ONCE, ...ONCE]);
  });

  it('instances stay clean: no own property is added', async () => {
    const app = await start([Orders]);
    expect(Reflect.ownKeys(app.get(Orders))).toEqual([]);
  });

  it('inherited, overridden and super calls', async () => {
    @Injectable()
    class Inherited extends Orders {}
    @Injectable()
    class Overridden extends Orders {
      override async place(): Promise<number> {
        return -1;
      }
    }
    @Injectable()
    class Super extends Orders {
      @Recorded()
      override async place(): Promise<number> {
        return 100 + (await super.place());
      }
    }
    const app = await start([Inherited, Overridden, Super]);
    expect(await app.get(Inherited).place()).toBe(1);
    expect(journal).toEqual(ONCE);
    expect(await app.get(Overridden).place()).toBe(-1);
    expect(journal).toEqual(ONCE);
    expect(await app.get(Super).place()).toBe(101);
    expect(journal).toEqual([...ONCE, 'lock>', 'lock>', '<lock', '<lock']);
  });

  it('a subclass with property injection of its own keeps the runtime', async () => {
    @Injectable()
    class WithProperty extends Orders {
      @Inject(ModuleRef) readonly moduleRef: ModuleRef;
    }
    const app = await start([WithProperty]);
    await app.get(WithProperty).place();
    expect(app.get(WithProperty).moduleRef).toBeInstanceOf(ModuleRef);
    expect(journal).toEqual(ONCE);
  });

  it('early hook: called in another provider’s onModuleInit', async () => {
    @Injectable()
    class Warmup implements OnModuleInit {
      constructor(readonly orders: Orders) {}
      async onModuleInit(): Promise<void> {
        await this.orders.place();
      }
    }
    await start([Warmup, Orders]);
    expect(journal).toEqual(ONCE);
  });

  it.each(['useFactory', 'useValue'])('%s, also called from a hook', async (how) => {
    @Injectable()
    class Warmup implements OnModuleInit {
      constructor(@Inject('ORDERS') readonly orders: Orders) {}
      async onModuleInit(): Promise<void> {
        await this.orders.place();
      }
    }
    const provider =
      how === 'useFactory'
        ? { provide: 'ORDERS', useFactory: () => new Orders() }
        : { provide: 'ORDERS', useValue: new Orders() };
    await start([Warmup, provider]);
    expect(journal).toEqual(ONCE);
  });

  it('moduleRef.create', async () => {
    const app = await start([]);
    await (await app.get(ModuleRef).create(Orders)).place();
    expect(journal).toEqual(ONCE);
  });

  it('lazily loaded module', async () => {
    @Module({ providers: [Orders] })
    class LazyModule {}
    const app = await start([]);
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    await lazy.get(Orders).place();
    expect(journal).toEqual(ONCE);
  });

  it('two applications in one process stay apart (a static module reference would not)', async () => {
    const other: string[] = [];
    const first = await start([Orders]);
    const second = await start([Orders], other);
    await first.get(Orders).place();
    expect([journal.length, other.length]).toEqual([2, 0]);
    await second.get(Orders).place();
    await second.close();
    await first.get(Orders).place();
    expect([journal.length, other.length]).toEqual([4, 2]);
  });

  it('providers without a prototype, without a class or null are passed by', async () => {
    await start([
      { provide: 'A', useValue: Object.create(null) },
      { provide: 'B', useValue: null },
      { provide: 'C', useValue: 3 },
      { provide: 'D', useFactory: () => () => 1 },
    ]);
    expect(journal).toEqual([]);
  });
});

describe('fail closed', () => {
  it('an unbound instance throws E_ASPECT_UNBOUND and does not run its body', async () => {
    const orders = new Orders();
    await expect(orders.place()).rejects.toMatchObject({
      code: 'E_ASPECT_UNBOUND',
      message: expect.stringContaining('Orders.place()'),
    });
    const app = await start([]);
    expect(await bindAspects(orders, app.get(AspectRuntime)).place()).toBe(1);
  });

  it('a call inside the constructor is refused', async () => {
    @Injectable()
    class Eager extends Orders {
      readonly first = this.place();
    }
    const app = await start([Eager]);
    await expect(app.get(Eager).first).rejects.toMatchObject({ code: 'E_ASPECT_UNBOUND' });
  });

  it('a detached method is refused', async () => {
    const app = await start([Orders]);
    const { place } = app.get(Orders);
    await expect((place as () => Promise<number>)()).rejects.toMatchObject({
      code: 'E_ASPECT_UNBOUND',
    });
  });

  it('a missing module fails the boot and names the class and the fix', async () => {
    const boot = Test.createTestingModule({ providers: [Orders] }).compile();
    await expect(boot).rejects.toThrow(
      /dependencies of the Orders.*DistributedModule\.forRoot\(\) is not imported/s,
    );
  });

  it('a missing capability fails the boot and says what to add', async () => {
    @Injectable()
    class Cached {
      @Recorded('cache-evict')
      async read(): Promise<void> {}
    }
    const boot = start([Cached]);
    await expect(boot).rejects.toThrow(CapabilityMissingError);
    await expect(boot).rejects.toThrow(
      /Cached\.read\(\) needs the 'cache' capability: add `cache: \{…\}`/,
    );
  });

  it('request-scoped classes are checked at boot too', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @Recorded('transaction')
      async read(): Promise<void> {}
    }
    await expect(start([Scoped])).rejects.toThrow(CapabilityMissingError);
  });
});

describe('unit tests of users', () => {
  it('override: a pass-through runtime runs bodies bare', async () => {
    const module = await Test.createTestingModule({
      imports: [recordingModule(journal)],
      providers: [Orders],
    })
      .overrideProvider(AspectRuntime)
      .useValue(AspectRuntime.passThrough())
      .compile();
    expect(await module.get(Orders).place()).toBe(1);
    expect(journal).toEqual([]);
  });

  it('auto-mock: a mocked runtime falls back to pass-through', async () => {
    const module = await Test.createTestingModule({ providers: [Orders] })
      .useMocker(() => ({ invoke: () => undefined }))
      .compile();
    expect(await module.get(Orders).place()).toBe(1);
  });
});
