/** What happens when Redis, or the way to it, fails. Judged by what callers get and how soon. */
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
import { GatedCacheStore } from '../../../../test/support/gated-cache-store.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import type { CacheStore } from './cache.store.js';

/** Generous: the machine may be busy. */
const SOON_MS = 1_000;

/** Of the commands to Redis: short enough to wait for, long enough for a busy machine. */
const DEADLINE_MS = 500;

describe('faults', () => {
  let server: RedisServer;
  let row: string;
  const nodes: CacheNode[] = [];
  const proxies: FaultProxy[] = [];

  async function node(options: CacheNodeOptions = {}, url = server.url): Promise<CacheNode> {
    const l2 = { readDeadline: DEADLINE_MS, writeDeadline: DEADLINE_MS };
    const started = await startCacheNode(url, { ...options, cache: { l2, ...options.cache } });
    nodes.push(started);
    return started;
  }

  async function proxied(options: CacheNodeOptions = {}): Promise<[CacheNode, FaultProxy]> {
    const proxy = await createFaultProxy(server.url);
    proxies.push(proxy);
    return [await node(options, proxy.url()), proxy];
  }

  const load = (): string => row;
  const get = (on: CacheNode): Promise<string> => on.service.getOrSet('c', 'k', load);

  /** Looks again each turn of the event loop; the test's own time limit bounds it. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    row = 'old';
  });
  afterEach(async () => {
    await server.thaw();
    await Promise.all(nodes.splice(0).map((started) => started.close()));
    await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
    await server.restart();
  });

  describe('the subscriber is cut off', () => {
    it('serves nothing from memory until it is back, and nothing older than that afterwards (catches: serving L1 through an outage; keeping L1 over a reconnection)', async () => {
      const writer = await node();
      const [reader, proxy] = await proxied();
      for (const key of ['k', 'k2', 'k3']) await reader.service.getOrSet('c', key, load);
      const down = subscriber(reader, 'down');
      proxy.refuse();
      await writer.connection.client.client('KILL', 'TYPE', 'pubsub');
      await down;
      row = 'new';
      for (const key of ['k', 'k2']) await writer.service.delete('c', key);
      expect(await get(reader)).toBe('new');
      const up = subscriber(reader, 'up');
      await proxy.heal();
      await up;
      expect(await reader.service.getOrSet('c', 'k2', load)).toBe('new');
      expect(await reader.service.getOrSet('c', 'k3', load)).toBe('old');
      expect(reader.service.health().bus).toBe('up');
    });

    it('does not keep in memory what was read before it came back (catches: taking the epoch when the value arrives)', async () => {
      let gates!: GatedCacheStore;
      const store = (inner: CacheStore): CacheStore => (gates = new GatedCacheStore(inner));
      const writer = await node();
      const reader = await node({ store });
      await get(writer);
      const gate = gates.hold('read', 'after');
      const value = get(reader);
      await gate.arrived;
      const up = subscriber(reader, 'up');
      await writer.connection.client.client('KILL', 'TYPE', 'pubsub');
      row = 'new';
      await writer.service.delete('c', 'k');
      await up;
      gate.open();
      expect(await value).toBe('old');
      expect(await get(reader)).toBe('new');
    });
  });

  describe('the network swallows everything', () => {
    it('is noticed by the missing echo, and memory is left alone (catches: trusting an open socket)', async () => {
      const bus = { heartbeat: 100, timeout: 400 };
      const writer = await node();
      const [reader, proxy] = await proxied({ cache: { bus } });
      await get(reader);
      proxy.blackhole('both');
      row = 'new';
      await writer.service.delete('c', 'k');
      const startedAt = performance.now();
      await until(() => reader.service.health().bus === 'down');
      expect(performance.now() - startedAt).toBeLessThan(bus.timeout + SOON_MS);
      expect(await get(reader)).toBe('new');
      await proxy.heal();
      await until(() => reader.service.health().bus === 'up');
      expect(await get(reader)).toBe('new');
    });
  });

  describe('Redis hangs', () => {
    it('answers from memory, and by the factory within the read deadline', async () => {
      const reader = await node();
      await get(reader);
      await server.freeze();
      row = 'new';
      expect(await get(reader)).toBe('old');
      const startedAt = performance.now();
      expect(await reader.service.getOrSet('c', 'cold', load)).toBe('new');
      expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + SOON_MS);
    });

    it('stores nothing that no eviction could reach (catches: filling L1 when L2 failed)', async () => {
      const reader = await node();
      await server.freeze();
      const counted = jest.fn(load);
      for (let call = 0; call < 3; call++) await reader.service.getOrSet('c', 'k', counted);
      expect(counted).toHaveBeenCalledTimes(3);
      expect(reader.service.stats()['c']).toMatchObject({ bypasses: 3, l1Entries: 0 });
    });

    it('still makes one load of many calls in this process', async () => {
      const reader = await node();
      await server.freeze();
      const counted = jest.fn(load);
      await Promise.all(
        Array.from({ length: 100 }, () => reader.service.getOrSet('c', 'k', counted)),
      );
      expect(counted).toHaveBeenCalledTimes(1);
    });
  });

  describe('an eviction that Redis does not confirm', () => {
    it('rejects in time, is not served here, and is repeated until it is confirmed (catches: swallowing it; serving the key meanwhile)', async () => {
      const [first, second] = await Promise.all([node(), node()]);
      for (const on of [first, second]) await get(on);
      await server.freeze();
      row = 'new';
      const startedAt = performance.now();
      await expect(first.service.delete('c', 'k')).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
        retryable: false,
      });
      expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS + SOON_MS);
      expect(first.service.health().pendingInvalidations).toBe(1);
      expect(await get(first)).toBe('new');
      row = 'newer';
      expect(await get(first)).toBe('newer');
      await server.thaw();
      await until(() => first.service.health().pendingInvalidations === 0);
      expect(await get(first)).toBe('newer');
      await until(() => second.registry.open('c').memory.size === 0);
      expect(await get(second)).toBe('newer');
    });

    it("resolves with onInvalidateFailure: 'retry', and a failed clear poisons the whole cache", async () => {
      const first = await node({ cache: { onInvalidateFailure: 'retry' } });
      await get(first);
      await server.freeze();
      row = 'new';
      await first.service.clear('c');
      expect(await get(first)).toBe('new');
      await expect(
        first.service.clear('c', { onInvalidateFailure: 'throw' }),
      ).rejects.toMatchObject({ code: 'E_CACHE_INVALIDATION' });
      await server.thaw();
      await until(() => first.service.health().pendingInvalidations === 0);
      expect(await get(first)).toBe('new');
    });

    it('keeps its key out of the cache until then, also where Redis still has it (catches: reading L2 again at once)', async () => {
      let gates!: GatedCacheStore;
      const first = await node({ store: (inner) => (gates = new GatedCacheStore(inner)) });
      await get(first);
      row = 'new';
      gates.refuse('remove');
      await expect(first.service.delete('c', 'k')).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
      });
      const retry = gates.hold('remove');
      for (let call = 0; call < 2; call++) expect(await get(first)).toBe('new');
      expect(await first.service.get('c', 'k')).toBeUndefined();
      await retry.arrived;
      retry.open();
      await until(() => first.service.health().pendingInvalidations === 0);
      expect(await get(first)).toBe('new');
    });

    it('is not taken for confirmed because its reply was lost', async () => {
      let gates!: GatedCacheStore;
      const first = await node({ store: (inner) => (gates = new GatedCacheStore(inner)) });
      await get(first);
      gates.loseReply('remove');
      await expect(first.service.delete('c', 'k')).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
      });
      await until(() => first.service.health().pendingInvalidations === 0);
      expect(gates.calls.remove).toBe(2);
    });

    it('a put whose reply is lost is evicted in the end', async () => {
      let gates!: GatedCacheStore;
      const first = await node({ store: (inner) => (gates = new GatedCacheStore(inner)) });
      gates.loseReply('put');
      await expect(first.service.set('c', 'k', 'set')).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
      });
      await until(() => first.service.health().pendingInvalidations === 0);
      expect(await get(first)).toBe('old');
    });
  });

  describe('Redis dies', () => {
    it('answers by the factory, survives, and caches again after the restart', async () => {
      const reader = await node();
      await get(reader);
      await server.kill();
      await until(() => reader.service.health().bus === 'down');
      row = 'new';
      expect(await get(reader)).toBe('new');
      await expect(reader.service.delete('c', 'k')).rejects.toMatchObject({
        code: 'E_CACHE_INVALIDATION',
      });
      await server.restart();
      await until(
        () =>
          reader.service.health().bus === 'up' &&
          reader.service.health().pendingInvalidations === 0,
      );
      await get(reader);
      expect(reader.service.stats()['c']?.l1Entries).toBe(1);
    });

    it('a lost generation does not bring old records back (catches: counting generations from 1)', async () => {
      const reader = await node();
      await reader.service.clear('c');
      await get(reader);
      await reader.service.clear('c');
      await reader.connection.client.del('distributed:cache:{c}:generation');
      row = 'new';
      const other = await node();
      expect(await get(other)).toBe('new');
    });

    it('a reply lost on the way makes the client send twice; the value is stored once and right', async () => {
      const [reader, proxy] = await proxied();
      proxy.dropNextReply({ to: 'nx' });
      expect(await get(reader)).toBe('old');
      expect(proxy.droppedReplies).toBe(1);
      expect(reader.service.stats()['c']).toMatchObject({ loads: 1, stored: 1 });
      row = 'new';
      await reader.service.delete('c', 'k');
      expect(await get(reader)).toBe('new');
    });
  });

  /** The next time the node's subscriber goes this way. */
  function subscriber(on: CacheNode, wanted: 'up' | 'down'): Promise<void> {
    return new Promise((resolve) => {
      const end = on.connection.onSubscriberChange((state) => {
        if (state !== wanted) return;
        end();
        resolve();
      });
    });
  }
});
