/** Caches and database transactions: what waits for the commit, what is read around the cache. */
import { AsyncLocalStorage } from 'node:async_hooks';
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
import { type CacheNode, startCacheNode } from '../../../../test/support/cache-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { CacheTransactionPort } from './cache-transaction.port.js';

/** What the transaction capability does, reduced to what the cache sees of it. */
class ScriptedTransactions extends CacheTransactionPort {
  readonly #active = new AsyncLocalStorage<{ callbacks: (() => Promise<void>)[] } | undefined>();

  current(): object | undefined {
    return this.#active.getStore();
  }

  afterCommit(callback: () => Promise<void>): void {
    this.#active.getStore()?.callbacks.push(callback);
  }

  /** Runs `body` in a transaction; its failure rolls back. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    const transaction = { callbacks: [] as (() => Promise<void>)[] };
    const result = await this.#active.run(transaction, body);
    await this.#active.run(undefined, async () => {
      for (const callback of transaction.callbacks) await callback();
    });
    return result;
  }
}

describe('transactions', () => {
  let server: RedisServer;
  let transactions: ScriptedTransactions;
  let node: CacheNode;
  let other: CacheNode;
  const load = jest.fn<() => string>();
  const get = (on = node): Promise<string> => on.service.getOrSet('c', 'k', load);

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    transactions = new ScriptedTransactions();
    node = await startCacheNode(server.url, { transactions });
    other = await startCacheNode(server.url);
    load.mockReset().mockReturnValue('old');
    await get();
    await get(other);
    load.mockReturnValue('new');
  });
  afterEach(async () => {
    await server.thaw();
    await node.connection.client.flushall();
    await Promise.all([node.close(), other.close()]);
  });

  it('an eviction waits for the commit (catches: others re-cache the old row before it)', async () => {
    await transactions.run(async () => {
      await node.service.delete('c', 'k');
      expect(await get(other)).toBe('old');
      expect(await other.service.get('c', 'k')).toEqual({ value: 'old' });
    });
    expect(await get()).toBe('new');
  });

  it('tags wait for the commit too, and until then the transaction reads around the cache', async () => {
    await transactions.run(async () => {
      await node.service.invalidateTags(['t']);
      expect(await get()).toBe('new');
      expect(await get(other)).toBe('old');
    });
    expect(await get()).toBe('old');
  });

  it('a stale value is served inside of one, and its refresh does not run in it (catches: a load in a transaction that has ended)', async () => {
    const stale = { staleWhileRevalidate: '1m' } as const;
    const slow = await startCacheNode(server.url, { transactions, cache: stale });
    await slow.service.getOrSet('d', 'k', () => 'old');
    await slow.service.expire('d', 'k');
    const inside: unknown[] = [];
    const reload = (): string => {
      inside.push(transactions.current());
      return 'new';
    };
    await transactions.run(async () => {
      expect(await slow.service.getOrSet('d', 'k', reload)).toBe('old');
    });
    expect(inside).toEqual([]);
    while ((await slow.service.getOrSet('d', 'k', reload)) === 'old')
      await new Promise((resolve) => setImmediate(resolve));
    expect(inside).toEqual([undefined]);
    await slow.close();
  });

  it('a rollback evicts and writes nothing', async () => {
    const failed = transactions.run(async () => {
      await node.service.delete('c', 'k');
      await node.service.set('c', 'k', 'never committed');
      await node.service.clear('c');
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    expect(await get()).toBe('old');
    expect(await get(other)).toBe('old');
  });

  it.each([
    ['an evicted key', () => node.service.delete('c', 'k')],
    ['a written key', () => node.service.set('c', 'k', 'new')],
    ['a cleared cache', () => node.service.clear('c')],
    ["a key evicted with when: 'after'", () => node.service.delete('c', 'k', { when: 'after' })],
  ])(
    'inside, %s is read around the cache and not stored (catches: spring#23192)',
    async (_name, touch) => {
      await transactions.run(async () => {
        await touch();
        expect(await get()).toBe('new');
        expect(await node.service.get('c', 'k')).toBeUndefined();
        // Outside of the transaction the old row is still the true one.
        await transactions.run(async () =>
          expect(await node.service.get('c', 'untouched')).toBeUndefined(),
        );
      });
      expect(node.service.stats()['c']).toMatchObject({ stored: 1 });
    },
  );

  it('inside, other keys are hits, and misses are loaded but neither shared nor stored (catches: an old snapshot in the cache)', async () => {
    await transactions.run(async () => {
      expect(await get()).toBe('old');
      await Promise.all([1, 2].map(() => node.service.getOrSet('c', 'cold', load)));
    });
    expect(load).toHaveBeenCalledTimes(1 + 2);
    expect(await node.service.get('c', 'cold')).toBeUndefined();
  });

  it('a put stores the value as it was when it was put, after the commit', async () => {
    const row = { name: 'new' };
    await transactions.run(async () => {
      await node.service.set('c', 'k', row);
      row.name = 'changed later';
      expect(await other.service.get('c', 'k')).toEqual({ value: 'old' });
    });
    expect(await node.service.get('c', 'k')).toEqual({ value: { name: 'new' } });
  });

  it('a put whose key was evicted before the commit evicts (catches: a late put over a newer row)', async () => {
    await transactions.run(async () => {
      await node.service.set('c', 'k', 'older');
      await other.service.delete('c', 'k');
    });
    expect(await get()).toBe('new');
  });

  it("when: 'after' does not wait", async () => {
    await transactions.run(async () => {
      await node.service.delete('c', 'k', { when: 'after' });
      expect(await node.connection.client.exists('distributed:cache:{c:sk}')).toBe(0);
    });
  });

  it('an eviction that fails after the commit fails the callback, and the key is poisoned', async () => {
    const outcome = transactions.run(async () => {
      await node.service.delete('c', 'k');
      await server.freeze();
      return 'committed';
    });
    await expect(outcome).rejects.toMatchObject({ code: 'E_CACHE_INVALIDATION' });
    expect(await get()).toBe('new');
    await server.thaw();
    while (node.service.health().pendingInvalidations > 0)
      await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await get()).toBe('new');
  });
});
