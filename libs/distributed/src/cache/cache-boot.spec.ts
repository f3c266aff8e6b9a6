/** What is wrong with decorators shows at decoration or at boot, and says how to mend it. */
import 'reflect-metadata';
import { type INestApplication, Injectable, type Type } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { Cached, CacheEvict, type CacheOptions, CachePut } from './index.js';

@Injectable()
class Users {
  @Cached({ name: 'user.byId' })
  async byId(id: string): Promise<string> {
    return id;
  }
}

describe('the application refuses', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  const boot = (providers: Type[], options?: CacheOptions): Promise<INestApplication> =>
    applications.boot({ providers }, options);

  it('one name for two methods', async () => {
    @Injectable()
    class Twice {
      @Cached({ name: 'same' })
      async a(): Promise<number> {
        return 1;
      }
      @Cached({ name: 'same' })
      async b(): Promise<number> {
        return 2;
      }
    }
    await expect(boot([Twice])).rejects.toMatchObject({ code: 'E_CACHE_NAME_DUPLICATE' });
  });

  it('a named cache inherited by two classes, which would share entries; without a name each has its own', async () => {
    abstract class Named {
      @Cached({ name: 'rows' })
      async all(): Promise<string> {
        return this.constructor.name;
      }
    }
    @Injectable()
    class One extends Named {}
    @Injectable()
    class Two extends Named {}
    await expect(boot([One, Two])).rejects.toMatchObject({ code: 'E_CACHE_NAME_DUPLICATE' });

    abstract class Nameless {
      @Cached()
      async all(): Promise<string> {
        return this.constructor.name;
      }
    }
    @Injectable()
    class Three extends Nameless {}
    @Injectable()
    class Four extends Nameless {}
    const app = await boot([Three, Four]);
    expect(await app.get(Three).all()).toBe('Three');
    expect(await app.get(Four).all()).toBe('Four');
  });

  it('an unknown cache to evict, and accept a declared one', async () => {
    @Injectable()
    class Typo {
      @CacheEvict({ name: 'user.byid', key: (id: string) => id })
      async rename(_id: string): Promise<void> {}
    }
    await expect(boot([Users, Typo])).rejects.toThrow(/user\.byid.*Known: .*user\.byId/s);
    await boot([Users, Typo], { ttl: '1m', caches: { 'user.byid': {} } });
  });

  it('a cache without any lifetime, and a put into a cache of memory alone', async () => {
    @Injectable()
    class Endless {
      @Cached()
      async all(): Promise<number> {
        return 1;
      }
    }
    await expect(boot([Endless], {})).rejects.toThrow(/Endless\.all.*no `ttl`/);
    @Injectable()
    class Local {
      @CachePut({ name: 'local', key: 'k' })
      async put(): Promise<number> {
        return 1;
      }
    }
    await expect(boot([Local], { ttl: '1m', caches: { local: { levels: 'l1' } } })).rejects.toThrow(
      /memory only/,
    );
  });

  it('wrong options, with their path', () => {
    const decorate = (decorator: MethodDecorator): void => {
      class Target {
        async method(): Promise<void> {}
      }
      decorator(
        Target.prototype,
        'method',
        Object.getOwnPropertyDescriptor(Target.prototype, 'method') as PropertyDescriptor,
      );
    };
    const wrong: [string, unknown, RegExp][] = [
      [
        'Cached',
        { ttl: 0 },
        /@Cached\(\) on Target\.method\(\)\.ttl: expected a duration greater than 0/,
      ],
      ['Cached', { tag: 'a' }, /unknown option 'tag'/],
      ['Cached', { name: 'a:b' }, /name: expected letters/],
      ['CacheEvict', { name: 'c' }, /give one of `key`, `tags` and `all: true`/],
      [
        'CacheEvict',
        { name: 'c', key: 'k', all: true },
        /give one of `key`, `tags` and `all: true`/,
      ],
      ['CachePut', { name: 'c' }, /key/],
    ];
    const decorators = { Cached, CacheEvict, CachePut } as unknown as Record<
      string,
      (options: unknown) => MethodDecorator
    >;
    for (const [name, options, message] of wrong)
      expect(() => decorate(decorators[name]!(options))).toThrow(message);
  });
});
