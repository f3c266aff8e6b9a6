/** @Semaphore on methods, against a real server. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Crowd } from '../../../../test/support/crowd.fixture.js';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { AspectRuntime, bindAspects, inspectAspects } from '../aspects/index.js';
import { currentPermit, DistributedLock, LockAspect, Semaphore, SemaphoreAspect } from './index.js';

const failure = new Error('declined');

class Acquirer {
  readonly crowd = new Crowd(2, () => node.locks.query('nothing'));

  @Semaphore({ key: (tenant: string) => ['acquirer', tenant], limit: 2 })
  async charge(tenant: string): Promise<string> {
    await this.crowd.visit();
    return `${tenant} ${currentPermit()?.key}`;
  }

  @DistributedLock('both')
  @Semaphore({ key: 'both', limit: 1, ifLocked: 'skip' })
  async both(): Promise<string> {
    return 'ran';
  }

  @Semaphore({ key: 'failing', limit: 1 })
  async fail(): Promise<never> {
    throw failure;
  }
}

let server: RedisServer;
let node: LockNode;
let acquirer: Acquirer;

beforeAll(async () => {
  server = await startRedis();
  node = await LockNode.start(server.url);
  const aspects = [new LockAspect(node.locks), new SemaphoreAspect(node.locks)];
  acquirer = bindAspects(new Acquirer(), new AspectRuntime(aspects));
});

afterAll(async () => {
  await node.stop();
  await server.stop();
});

describe('@Semaphore', () => {
  it('lets so many calls at a time per key', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => acquirer.charge('shop')));
    expect(acquirer.crowd).toMatchObject({ most: 2, visits: 10, inside: 0 });
    expect(new Set(results)).toEqual(new Set(['shop acquirer:shop']));
  });

  it('is taken before the lock of the same method', async () => {
    expect(inspectAspects(Acquirer.prototype.both)).toMatchObject([
      { kind: 'semaphore' },
      { kind: 'lock' },
    ]);
    expect(await acquirer.both()).toBe('ran');
    const permit = await node.locks.semaphore('both', { limit: 1 }).acquire();
    expect(await acquirer.both()).toBeUndefined();
    await permit.release();
  });

  it("lets the method's own error through: the same object", async () => {
    await expect(acquirer.fail()).rejects.toBe(failure);
    const permit = await node.locks.semaphore('failing', { limit: 1 }).tryAcquire();
    expect(await permit?.release()).toBe('released');
  });

  it.each([
    ['no limit', { key: 'k' }, /limit/],
    ['an unknown option', { key: 'k', limit: 1, fairness: 'strict' }, /'fairness'/],
    ['wait with skip', { key: 'k', limit: 1, ifLocked: 'skip', wait: 1 }, /no effect/],
    ['no key', { limit: 1 }, /key of @Semaphore\(\) on Late.method/],
  ])('refuses %s at decoration', (_what, options, problem) => {
    const decorate = (): void => {
      class Late {
        @(Semaphore(options as never) as MethodDecorator)
        async method(): Promise<void> {}
      }
      void Late;
    };
    expect(decorate).toThrow(problem);
  });
});
