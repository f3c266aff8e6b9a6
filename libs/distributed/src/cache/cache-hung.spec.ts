/** Redis hangs, or messages do: what callers get, and how soon. The server is stopped for real. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CacheNode,
  type CacheNodeOptions,
  startCacheNode,
} from '../../../../test/support/cache-node.fixture.js';
import { GatedCacheStore } from '../../../../test/support/gated-cache-store.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';

/** The defaults. */
const DEADLINES = { readDeadline: '100ms', writeDeadline: '250ms' } as const;
/** Generous: the machine may be busy. */
const SOON_MS = 300;

describe('a Redis that hangs', () => {
  let server: RedisServer;
  let row: string;
  const nodes: CacheNode[] = [];

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    row = 'old';
  });
  afterEach(async () => {
    await server.thaw();
    await Promise.all(nodes.splice(0).map((node) => node.close()));
    await server.restart();
  });

  async function node(
    cache: CacheNodeOptions['cache'] = {},
  ): Promise<[CacheNode, GatedCacheStore]> {
    let gates!: GatedCacheStore;
    const started = await startCacheNode(server.url, {
      cache: { l2: DEADLINES, ...cache },
      store: (inner) => (gates = new GatedCacheStore(inner)),
    });
    nodes.push(started);
    return [started, gates];
  }

  const get = (on: CacheNode): Promise<string> => on.service.getOrSet('c', 'k', () => row);

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
    const startedAt = performance.now();
    const value = await run();
    return { value, ms: performance.now() - startedAt };
  }

  it('does not keep a stale value from being served (catches: awaiting L2 before a stale L1)', async () => {
    const [reader] = await node({ ttl: 30, jitter: 0, staleWhileRevalidate: '1m' });
    await get(reader);
    await until(async () => (await reader.service.ttl('c', 'k')) === 0);
    await server.freeze();
    row = 'new';
    const times: number[] = [];
    for (let call = 0; call < 20; call++) {
      const { value, ms } = await timed(() => get(reader));
      expect(value).toBe('old');
      times.push(ms);
    }
    expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(5);
  });

  it('costs a cold call its deadline once, and nothing when the breaker is open (catches: a deadline per call)', async () => {
    const [reader] = await node();
    await get(reader);
    await server.freeze();
    const cold = (id: number) => timed(() => reader.service.getOrSet('c', id, () => row));
    expect((await cold(0)).ms).toBeLessThan(100 + SOON_MS);
    await Promise.all(Array.from({ length: 30 }, (_unused, id) => cold(id + 1)));
    expect(reader.service.health().l2).toBe('open');
    const open = await Promise.all(Array.from({ length: 5 }, (_unused, id) => cold(id + 100)));
    expect(Math.min(...open.map(({ ms }) => ms))).toBeLessThan(20);
  });

  it('is asked again by one call, and used again when it answers', async () => {
    const [reader] = await node({
      l2: { ...DEADLINES, breaker: { minimumCalls: 2, openFor: 50 } },
    });
    await get(reader);
    await server.freeze();
    await until(async () => {
      await reader.service.getOrSet('c', Math.random(), () => row);
      return reader.service.health().l2 !== 'closed';
    });
    await server.thaw();
    await until(async () => {
      await reader.service.getOrSet('c', Math.random(), () => row);
      return reader.service.health().l2 === 'closed';
    });
    row = 'new';
    await until(() => reader.service.health().bus === 'up');
    expect(await get(reader)).toBe('old');
  });

  describe('messages do not arrive (bus down)', () => {
    const bus = { heartbeat: 50, timeout: 100 };

    /** Heartbeats stop: the node is deaf, its commands work. */
    async function deafen(on: CacheNode): Promise<void> {
      const { client } = on.connection;
      const publish = client.publish.bind(client);
      client.publish = (() => Promise.resolve(0)) as typeof client.publish;
      await until(() => !on.bus.fresh);
      restorers.push(() => (client.publish = publish));
    }
    const restorers: (() => void)[] = [];
    afterEach(() => restorers.splice(0).forEach((restore) => restore()));

    it('revalidate: memory is confirmed by the header, values do not move again', async () => {
      const [writer] = await node({ bus });
      const [reader, gates] = await node({ bus });
      await get(reader);
      await deafen(reader);
      const reads = gates.calls.read ?? 0;
      for (let call = 0; call < 3; call++) expect(await get(reader)).toBe('old');
      expect(gates.calls.head).toBe(3);
      expect(gates.calls.read).toBe(reads);
      row = 'new';
      await writer.service.delete('c', 'k');
      expect(await get(reader)).toBe('new');
    });

    it('revalidate: an eviction of the whole cache, or by a tag, is noticed too (catches: comparing the value alone)', async () => {
      const [writer] = await node({ bus });
      const [reader] = await node({ bus });
      const tagged = () => reader.service.getOrSet('c', 'k', () => row, { tags: ['t'] });
      await tagged();
      await deafen(reader);
      row = 'newer';
      await writer.service.invalidateTags(['t']);
      expect(await tagged()).toBe('newer');
      row = 'newest';
      await writer.service.clear('c');
      expect(await tagged()).toBe('newest');
    });

    it('bypass: memory is not used', async () => {
      const [reader, gates] = await node({ bus, l1OnBusDown: 'bypass' });
      await get(reader);
      await deafen(reader);
      for (let call = 0; call < 2; call++) expect(await get(reader)).toBe('old');
      expect(gates.calls.read).toBe(3);
      expect(gates.calls.head).toBeUndefined();
    });

    it('serve: memory is used as it is', async () => {
      const [writer] = await node({ bus });
      const [reader, gates] = await node({ bus, l1OnBusDown: 'serve' });
      await get(reader);
      await deafen(reader);
      row = 'new';
      await writer.connection.client.del('distributed:cache:{c:sk}');
      expect(await get(reader)).toBe('old');
      expect(gates.calls.read).toBe(1);
    });

    it('afterwards memory is confirmed once, not emptied (catches: a herd after each reconnection)', async () => {
      const [reader, gates] = await node();
      const keys = Array.from({ length: 20 }, (_unused, id) => id);
      const all = () => Promise.all(keys.map((id) => reader.service.getOrSet('c', id, () => row)));
      await all();
      const { epoch } = reader.bus;
      await reader.connection.client.client('KILL', 'TYPE', 'pubsub');
      await until(() => reader.bus.epoch > epoch && reader.bus.fresh);
      const reads = gates.calls.read;
      await all();
      expect(gates.calls.head).toBe(20);
      expect(gates.calls.read).toBe(reads);
      await all();
      expect(gates.calls.head).toBe(20);
      expect(reader.service.stats()['c']?.loads).toBe(20);
    });
  });
});
