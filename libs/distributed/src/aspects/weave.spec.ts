import { describe, expect, it } from '@jest/globals';
import { Get, SetMetadata, UseGuards } from '@nestjs/common';
import { EMPTY, of, type Observable } from 'rxjs';
import { Recorded, RecordingHandler } from '../../../../test/support/recording-aspect.fixture.js';
import { Cached, CacheEvict } from '../cache/index.js';
import { DistributedLock } from '../lock/index.js';
import { Partitioned, PartitionKey } from '../partition/index.js';
import { Resilient } from '../resilience/index.js';
import { Transactional } from '../transaction/index.js';
import { ASPECT_ORDER, type AspectKind } from './aspect-order.js';
import { AspectRuntime } from './aspect-runtime.js';
import { bindAspects } from './aspect-binding.js';
import { inspectAspects, weave } from './weave.js';

const KINDS = Object.keys(ASPECT_ORDER) as AspectKind[];

/** Applies decorators to a fresh method in the written order (first = topmost). */
function decorated(
  kinds: readonly AspectKind[],
  body: () => Promise<unknown> = async () => 'body',
): { run(): Promise<unknown> } {
  class Subject {
    run(): Promise<unknown> {
      return body();
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(
    Subject.prototype,
    'run',
  ) as TypedPropertyDescriptor<() => Promise<unknown>>;
  for (const kind of kinds.toReversed()) Recorded(kind)(Subject.prototype, 'run', descriptor);
  Object.defineProperty(Subject.prototype, 'run', descriptor);
  return new Subject();
}

function bound<T extends object>(subject: T, journal: string[] = []): T {
  return bindAspects(
    subject,
    new AspectRuntime(KINDS.map((kind) => new RecordingHandler(kind, journal))),
  );
}

describe('order', () => {
  const permutations = (items: readonly AspectKind[]): AspectKind[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item) =>
          permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
        );

  it('is that of the table for all 720 written orders', async () => {
    for (const written of permutations(KINDS)) {
      const journal: string[] = [];
      await bound(decorated(written), journal).run();
      expect(journal.filter((entry) => entry.endsWith('>'))).toEqual(
        KINDS.map((kind) => `${kind}>`),
      );
    }
  });

  it('follows the numbers of ASPECT_ORDER, which users may rely on', () => {
    expect(ASPECT_ORDER).toEqual({
      leader: 50,
      partition: 100,
      cache: 200,
      resilience: 300,
      semaphore: 350,
      lock: 400,
      'cache-evict': 500,
      transaction: 600,
    });
  });

  it('can be overridden for one method', async () => {
    class Subject {
      @Recorded('lock', 50)
      @Recorded('partition')
      async run(): Promise<void> {}
    }
    expect(inspectAspects(Subject.prototype.run).map((aspect) => aspect.kind)).toEqual([
      'lock',
      'partition',
    ]);
  });

  it('refuses an order that is no number', () => {
    const outOfOrder = Recorded('lock', Number.NaN) as MethodDecorator;
    expect(() => outOfOrder({}, 'run', { value: async () => {} })).toThrow(
      /run\(\)\.order: expected a finite number/,
    );
  });

  it('every decorator of the library takes it', () => {
    const order = 650;
    class Subject {
      @Partitioned({ order })
      async partitioned(@PartitionKey() _key: string): Promise<void> {}
      @Cached({ name: 'x', ttl: 1, order })
      async cached(): Promise<void> {}
      @Resilient({ order })
      async resilient(): Promise<void> {}
      @DistributedLock('x', { order })
      async locked(): Promise<void> {}
      @CacheEvict({ name: 'x', all: true, order })
      async evicting(): Promise<void> {}
      @Transactional({ order })
      async transactional(): Promise<void> {}
    }
    for (const name of Object.getOwnPropertyNames(Subject.prototype).slice(1)) {
      const method = Subject.prototype[name as keyof Subject];
      expect([name, inspectAspects(method)[0]?.order]).toEqual([name, order]);
    }
  });
});

describe('the woven function', () => {
  class Subject {
    @SetMetadata('above', 1)
    @UseGuards(class {})
    @Recorded()
    @Get('path')
    @SetMetadata('below', 2)
    async find(_id: string, _page: number): Promise<string> {
      return 'found';
    }
  }

  it('keeps metadata written above and below', () => {
    const keys = Reflect.getMetadataKeys(Subject.prototype.find);
    expect(keys).toEqual(
      expect.arrayContaining(['above', 'below', 'path', 'method', '__guards__']),
    );
    expect(Reflect.getMetadata('below', Subject.prototype.find)).toBe(2);
  });

  it('keeps name, length and own properties of the function below', () => {
    const marker = Symbol('marker');
    class Marked {
      @Recorded()
      @((_target: object, _key: string, descriptor: PropertyDescriptor) => {
        (descriptor.value as Record<symbol, unknown>)[marker] = 'kept';
      })
      async find(_id: string, _page: number): Promise<void> {}
    }
    expect(Marked.prototype.find.name).toBe('find');
    expect(Marked.prototype.find).toHaveLength(2);
    expect((Marked.prototype.find as unknown as Record<symbol, unknown>)[marker]).toBe('kept');
  });

  it('is one function however many decorators there are', async () => {
    let calls = 0;
    const subject = bound(decorated(KINDS, async () => (calls += 1)));
    await subject.run();
    expect(calls).toBe(1);
    expect(inspectAspects(Object.getPrototypeOf(subject.run))).toEqual([]);
  });

  it('rejects with the very error of the body, and turns a synchronous throw into a rejection', async () => {
    const error = new Error('business');
    await expect(bound(decorated(['lock'], () => Promise.reject(error))).run()).rejects.toBe(error);
    const thrower = bound(
      decorated(['lock'], () => {
        throw error;
      }),
    );
    await expect(thrower.run()).rejects.toBe(error);
  });
});

describe('refusals', () => {
  const apply = (target: object, key: string): void =>
    weave({ kind: 'lock', decorator: 'Recorded', options: () => undefined })(
      target,
      key,
      Object.getOwnPropertyDescriptor(target, key) as never,
    );

  it('static methods', () => {
    class Subject {
      static async run(): Promise<void> {}
    }
    expect(() => apply(Subject, 'run')).toThrow(
      /@Recorded\(\) on Subject\.run\(\): static methods/,
    );
  });

  it('accessors, arrow-function properties, generators and async generators', () => {
    class Subject {
      get accessor(): number {
        return 1;
      }
      *generator(): Generator<number> {
        yield 1;
      }
      async *asyncGenerator(): AsyncGenerator<number> {
        yield 1;
      }
    }
    expect(() => apply(Subject.prototype, 'accessor')).toThrow(/accessors/);
    expect(() => apply(Subject.prototype, 'property')).toThrow(/arrow-function property/);
    expect(() => apply(Subject.prototype, 'generator')).toThrow(/generators/);
    expect(() => apply(Subject.prototype, 'asyncGenerator')).toThrow(/generators/);
  });

  it('the same decorator twice', () => {
    expect(() => decorated(['lock', 'lock'])).toThrow(
      expect.objectContaining({ code: 'E_ASPECT_DUPLICATE' }),
    );
  });

  it.each<[string, () => unknown]>([
    ['an Observable', () => of(1)],
    ['a promise of an Observable', async () => EMPTY],
  ])('%s as the result, without subscribing to it', async (_name, body) => {
    const subject = bound(decorated(['lock'], body as () => Promise<Observable<number>>));
    await expect(subject.run()).rejects.toMatchObject({ code: 'E_ASPECT_OBSERVABLE' });
  });

  it('a synchronous result', async () => {
    const subject = bound(decorated(['lock'], (() => 3) as never));
    await expect(subject.run()).rejects.toMatchObject({ code: 'E_ASPECT_SYNC' });
  });
});
