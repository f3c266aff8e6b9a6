/** Several keys at once: what is asked, what is loaded, and what callers get. */
import { Injectable } from '@nestjs/common';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { CacheApplications } from '../../../../test/support/cache-application.fixture.js';
import { CacheCluster, type GatedNode } from '../../../../test/support/cache-cluster.fixture.js';
import { Cached, CachedMany, CacheService } from './index.js';

describe('several keys at once', () => {
  let cluster: CacheCluster;
  let a: GatedNode;
  let b: GatedNode;

  beforeAll(async () => {
    cluster = await CacheCluster.start();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    [a, b] = await Promise.all([cluster.node(), cluster.node()]);
  });
  afterEach(() => cluster.reset());

  const named = (ids: readonly number[]): string[] => ids.map((id) => `row ${id}`);
  const load = jest.fn(async (ids: readonly number[]) => named(ids));
  beforeEach(() => void load.mockClear());
  const many = (on: GatedNode, ids: readonly number[]): Promise<string[]> =>
    on.service.getOrSetMany('c', ids, load);

  it('ask Redis once and load once, for what is missing; order and repetitions are the caller’s', async () => {
    await a.service.getOrSet('c', 2, () => 'row 2');
    expect(await many(b, [3, 2, 1, 3])).toEqual(named([3, 2, 1, 3]));
    expect(load.mock.calls).toEqual([[[3, 1]]]);
    expect(b.gates.calls).toMatchObject({ readMany: 1, fill: 2 });
    expect(b.gates.calls.read).toBeUndefined();
    expect(await many(b, [1, 2, 3])).toEqual(named([1, 2, 3]));
    expect(b.gates.calls.readMany).toBe(1);
    expect(await a.service.getMany('c', [1, 9, 2])).toEqual([
      { value: 'row 1' },
      undefined,
      { value: 'row 2' },
    ]);
  });

  it('share loads with single calls, in this process and in others', async () => {
    let finish!: () => void;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    load.mockImplementationOnce(async (ids) => {
      await gate;
      return named(ids);
    });
    const batch = many(a, [1, 2]);
    await a.gates.seen('acquire', 2);
    const single = a.service.getOrSet('c', 1, () => 'again');
    const other = many(b, [1, 2, 3]);
    await b.gates.seen('clock', 3);
    finish();
    expect(await batch).toEqual(named([1, 2]));
    expect(await single).toBe('row 1');
    expect(await other).toEqual(named([1, 2, 3]));
    expect(load.mock.calls).toEqual([[[1, 2]], [[3]]]);
  });

  it('are evicted one by one; a late batch does not bring one back (catches: storing without leases)', async () => {
    let finish!: () => void;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    load.mockImplementationOnce(async (ids) => {
      await gate;
      return named(ids);
    });
    const batch = many(a, [1, 2]);
    while (load.mock.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const heard = cluster.heard(a);
    await b.service.delete('c', 1);
    await heard;
    finish();
    await batch;
    expect(await a.service.getMany('c', [1, 2])).toEqual([undefined, { value: 'row 2' }]);
  });

  it('fail together when their load fails, and nothing is kept', async () => {
    load.mockRejectedValueOnce(new Error('no database'));
    await expect(many(a, [1, 2])).rejects.toThrow('no database');
    expect(await many(a, [1, 2])).toEqual(named([1, 2]));
  });

  it('refuse a load that returns too few', async () => {
    load.mockResolvedValueOnce(['one']);
    await expect(many(a, [1, 2])).rejects.toMatchObject({ code: 'E_CACHE_BATCH' });
  });

  it('serve what is stale when their load fails', async () => {
    const c = await cluster.node({ staleIfError: '1m' });
    await many(c, [1, 2]);
    await c.service.clear('c', { mode: 'expire' });
    load.mockRejectedValueOnce(new Error('no database'));
    expect(await many(c, [1, 2])).toEqual(named([1, 2]));
    expect(load.mock.calls).toEqual([[[1, 2]], [[1, 2]]]);
  });

  it('work in memory alone, and without Redis', async () => {
    const c = await cluster.node({ caches: { m: { levels: 'l1' } } });
    for (let call = 0; call < 2; call++)
      expect(await c.service.getOrSetMany('m', [1, 2], load)).toEqual(named([1, 2]));
    expect(await c.service.getMany('m', [1, 3])).toEqual([{ value: 'row 1' }, undefined]);
    expect(load).toHaveBeenCalledTimes(1);
    c.gates.refuse('readMany');
    expect(await many(c, [7, 8])).toEqual(named([7, 8]));
    expect(load).toHaveBeenCalledTimes(2);
    expect(c.service.stats()['c']).toMatchObject({ bypasses: 2, stored: 0 });
  });
});

interface User {
  readonly id: number;
  readonly name: string;
}

@Injectable()
class Users {
  readonly asked: unknown[] = [];

  @Cached({ name: 'user.byId' })
  async byId(id: number): Promise<User> {
    this.asked.push(id);
    return { id, name: `user ${id}` };
  }

  @CachedMany({
    name: 'user.byId',
    ids: (_tenant: string, ids: number[]) => ids,
    pick: (user: User) => user.id,
  })
  async byIds(_tenant: string, ids: number[]): Promise<User[]> {
    this.asked.push(ids);
    return ids
      .filter((id) => id < 100)
      .map((id) => ({ id, name: `user ${id}` }))
      .toReversed();
  }

  @CachedMany({
    name: 'user.byId',
    ids: (ids: number[]) => [...ids],
    pick: (user: User) => user.id,
  })
  async copied(_ids: number[]): Promise<User[]> {
    return [];
  }
}

describe('@CachedMany', () => {
  let applications: CacheApplications;

  beforeAll(async () => {
    applications = await CacheApplications.start();
  });
  afterAll(() => applications.stop());
  afterEach(() => applications.reset());

  it('asks the method for the missing ids only, and shares entries with @Cached', async () => {
    const app = await applications.boot({ providers: [Users] });
    const users = app.get(Users);
    await users.byId(1);
    const names = async (...ids: number[]) =>
      (await users.byIds('t', ids)).map((user) => user.name);
    expect(await names(2, 1, 500, 3)).toEqual(['user 2', 'user 1', 'user 3']);
    expect(await names(3, 500, 1)).toEqual(['user 3', 'user 1']);
    expect((await users.byId(2)).name).toBe('user 2');
    expect(users.asked).toEqual([1, [2, 500, 3]]);
    await app.get(CacheService, { strict: false }).delete('user.byId', 3);
    await names(1, 2, 3);
    expect(users.asked.at(-1)).toEqual([3]);
  });

  it('refuses ids that are no parameter, and caches that nobody defines', async () => {
    const app = await applications.boot({ providers: [Users] });
    await expect(app.get(Users).copied([1])).rejects.toMatchObject({ code: 'E_CACHE_KEY' });
    @Injectable()
    class Lost {
      @CachedMany({ name: 'nobody', pick: (user: User) => user.id })
      async byIds(_ids: number[]): Promise<User[]> {
        return [];
      }
    }
    await expect(applications.boot({ providers: [Lost] })).rejects.toMatchObject({
      code: 'E_CACHE_UNKNOWN',
    });
  });
});
