/** What CacheService promises when nothing fails: two nodes, one Redis. */
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
import {
  type CacheNode,
  type CacheNodeOptions,
  startCacheNode,
} from '../../../../test/support/cache-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';

describe('CacheService', () => {
  let server: RedisServer;
  let a: CacheNode;
  let b: CacheNode;
  const nodes: CacheNode[] = [];

  async function node(options: CacheNodeOptions = {}): Promise<CacheNode> {
    const started = await startCacheNode(server.url, options);
    nodes.push(started);
    return started;
  }

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    [a, b] = await Promise.all([node(), node()]);
  });
  afterEach(async () => {
    await a.connection.client.flushall();
    await Promise.all(nodes.splice(0).map((started) => started.close()));
  });

  it('loads once, then answers from memory with the very same object and without Redis', async () => {
    const load = jest.fn(async () => ({ name: 'ada' }));
    const first = await a.service.getOrSet('users', 1, load);
    await server.freeze();
    const second = await a.service.getOrSet('users', 1, load);
    await server.thaw();
    expect(second).toBe(first);
    expect(load).toHaveBeenCalledTimes(1);
    expect(a.service.stats()['users']).toMatchObject({
      l1Hits: 1,
      loads: 1,
      stored: 1,
      l1Entries: 1,
      flights: 0,
    });
  });

  it('gives another node the value without loading it again', async () => {
    await a.service.getOrSet('users', 1, async () => ({ at: new Date(0) }));
    expect(
      await b.service.getOrSet('users', 1, () => {
        throw new Error('loaded');
      }),
    ).toEqual({ at: new Date(0) });
    expect(b.service.stats()['users']).toMatchObject({ l2Hits: 1, loads: 0, l1Entries: 1 });
  });

  it("freezes what the first caller gets, and what every other one gets (catches returning the factory's object)", async () => {
    const original = { tags: ['x'] };
    const first = await a.service.getOrSet('users', 1, () => original);
    const second = await b.service.getOrSet('users', 1, () => original);
    for (const value of [first, second]) {
      expect(() => value.tags.push('y')).toThrow(TypeError);
      expect(value).not.toBe(original);
    }
    original.tags.push('mine to change');
    expect(await a.service.getOrSet('users', 1, () => original)).toEqual({ tags: ['x'] });
  });

  it.each([[undefined], [null], [''], [0], [false], [Number.NaN], [-0], [5n]])(
    'caches %p: a value is not a miss',
    async (value) => {
      const load = jest.fn(() => value);
      for (const { service } of [a, b, a])
        expect(await service.getOrSet('values', 'k', load)).toBe(value);
      expect(load).toHaveBeenCalledTimes(1);
      expect(await b.service.get('values', 'k')).toEqual({ value });
    },
  );

  it("passes the factory's own error on to all waiting callers, and stores nothing", async () => {
    const failure = new Error('no database');
    const load = jest.fn(() => Promise.reject(failure));
    const calls = [1, 2, 3].map(() => a.service.getOrSet('users', 1, load));
    for (const call of calls) await expect(call).rejects.toBe(failure);
    expect(load).toHaveBeenCalledTimes(1);
    expect(await a.service.getOrSet('users', 1, () => 'fine')).toBe('fine');
  });

  it('refuses values that cannot be stored, and gives the lease back', async () => {
    const code = 'E_CACHE_VALUE';
    await expect(a.service.getOrSet('users', 1, () => ({ f: () => 1 }))).rejects.toMatchObject({
      code,
    });
    const startedAt = performance.now();
    expect(await b.service.getOrSet('users', 1, () => 'fine')).toBe('fine');
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it('get answers a hit, and a miss with undefined', async () => {
    expect(await a.service.get('users', 1)).toBeUndefined();
    await a.service.getOrSet('users', 1, () => 'ada');
    expect(await a.service.get('users', 1)).toEqual({ value: 'ada' });
    expect(await b.service.get('users', 1)).toEqual({ value: 'ada' });
    expect(b.service.stats()['users']?.l1Entries).toBe(1);
  });

  it('delete forgets on every node, and resolves when Redis has done it', async () => {
    for (const { service } of [a, b]) await service.getOrSet('users', 1, () => 'old');
    await a.service.delete('users', 1);
    expect(await a.service.getOrSet('users', 1, () => 'new')).toBe('new');
    await forgotten(b, 'users', 'n1');
    expect(await b.service.getOrSet('users', 1, () => 'unused')).toBe('new');
  });

  it('clear forgets a whole cache, and nothing else', async () => {
    for (const id of [1, 2]) await a.service.getOrSet('users', id, () => 'old');
    await a.service.getOrSet('usersAbc', 1, () => 'kept');
    await b.service.getOrSet('users', 1, () => 'unused');
    await a.connection.client.set('foreign', 'kept');
    await a.service.clear('users');
    await forgotten(b, 'users', 'n1');
    for (const { service } of [a, b])
      for (const id of [1, 2]) expect(await service.getOrSet('users', id, () => 'new')).toBe('new');
    expect(await b.service.getOrSet('usersAbc', 1, () => 'loaded')).toBe('kept');
    expect(await a.connection.client.get('foreign')).toBe('kept');
  });

  it('set writes for every node', async () => {
    await b.service.getOrSet('users', 1, () => 'old');
    await a.service.set('users', 1, 'new');
    await forgotten(b, 'users', 'n1');
    for (const { service } of [a, b])
      expect(await service.getOrSet('users', 1, () => 'loaded')).toBe('new');
  });

  it('keeps memory no longer than Redis does (catches a fresh lifetime for the copy)', async () => {
    await a.service.getOrSet('users', 1, () => 'old', { ttl: 300 });
    const startedAt = performance.now();
    await b.service.getOrSet('users', 1, () => 'unused');
    const load = jest.fn(() => 'new');
    while ((await b.service.getOrSet('users', 1, load)) === 'old')
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(performance.now() - startedAt).toBeLessThan(600);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['negativeTtl: 0 does not store null', { negativeTtl: 0 }, null],
    ['unless does not store what it names', { unless: () => true }, 'x'],
  ])('%s, and lets the next caller load at once', async (_name, options, value) => {
    const load = jest.fn(() => value);
    for (const { service } of [a, b, a])
      await service.getOrSet<string | null>('users', 1, load, options);
    expect(load).toHaveBeenCalledTimes(3);
    expect(await a.connection.client.keys('*:{users:*')).toEqual([]);
  });

  it('holds null for 30 s at most by default', async () => {
    await a.service.getOrSet('users', 1, () => null);
    await a.service.getOrSet('users', 2, () => 'ada');
    expect(await a.connection.client.pttl('distributed:cache:{users:n1}')).toBeLessThanOrEqual(
      30_000,
    );
    expect(await a.connection.client.pttl('distributed:cache:{users:n2}')).toBeGreaterThan(50_000);
  });

  it('keeps an l2 cache out of memory, and an l1 cache out of Redis', async () => {
    const levels = await node({
      cache: { caches: { shared: { levels: 'l2' }, local: { levels: 'l1' } } },
    });
    for (const name of ['shared', 'local'])
      for (const expected of ['first', 'first'])
        expect(await levels.service.getOrSet(name, 1, () => expected)).toBe('first');
    expect(levels.service.stats()).toMatchObject({
      shared: { l2Hits: 1, l1Entries: 0 },
      local: { l1Hits: 1, l2Hits: 0, l1Entries: 1 },
    });
    expect(await a.connection.client.keys('*:{local:*')).toEqual([]);
    await levels.service.set('local', 1, 'set');
    expect(await levels.service.get('local', 1)).toEqual({ value: 'set' });
  });

  it('an l2 cache sees a clear of another node at once (catches trusting the bus for it)', async () => {
    const cache = { caches: { shared: { levels: 'l2' } } } as const;
    const [first, second] = await Promise.all([node({ cache }), node({ cache })]);
    await second.service.getOrSet('shared', 1, () => 'old');
    await first.service.clear('shared');
    expect(await second.service.getOrSet('shared', 1, () => 'new')).toBe('new');
  });

  it('a raised version does not read old values, and an eviction reaches both (catches the version in the key)', async () => {
    const next = await node({ cache: { caches: { users: { version: 2 } } } });
    await a.service.getOrSet('users', 1, () => 'v1');
    expect(await next.service.getOrSet('users', 1, () => 'v2')).toBe('v2');
    await a.service.delete('users', 1);
    await forgotten(next, 'users', 'n1');
    expect(await next.service.getOrSet('users', 1, () => 'v2 again')).toBe('v2 again');
  });

  it('bounds memory by entries', async () => {
    const small = await node({ cache: { l1: { maxEntries: 3 } } });
    for (let id = 0; id < 10; id++) await small.service.getOrSet('users', id, () => id);
    expect(small.service.stats()['users']?.l1Entries).toBe(3);
  });

  it('refuses keys that identify nothing, and caches without a lifetime', async () => {
    await expect(a.service.getOrSet('users', '', () => 1)).rejects.toMatchObject({
      code: 'E_CACHE_KEY',
    });
    await expect(a.service.getOrSet('users', 1, () => 1, { ttl: 0 })).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
    });
    const bare = await node({ cache: { ttl: undefined } as never });
    await expect(bare.service.getOrSet('users', 1, () => 1)).rejects.toThrow(/no `ttl`/);
  });

  it('reports its health', () => {
    expect(a.service.health()).toEqual({ bus: 'up', l2: 'closed', pendingInvalidations: 0 });
  });
});

/** Resolves when the node's memory does not hold the key any more: the message has arrived. */
async function forgotten(node: CacheNode, name: string, key: string): Promise<void> {
  const memory = node.registry.open(name).memory;
  while (memory.peek(key)) await new Promise((resolve) => setImmediate(resolve));
}
