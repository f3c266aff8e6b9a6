/**
 * Four nodes, random reads, evictions, puts and tags, while connections are killed and Redis loses
 * tags, the clock and everything. A node that was told "done" never reads anything older; in the end
 * every node reads what the rows say.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CacheNode, startCacheNode } from '../../../../test/support/cache-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';

const ROWS = 8;

/** A small generator of numbers in [0, 1): a failing run can be repeated by its seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('stress', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  const rows = Array.from({ length: ROWS }, () => 1);

  class Node {
    /** What this node was told to be evicted: nothing older may be read here afterwards. */
    readonly known = Array.from({ length: ROWS }, () => 1);
    readonly violations: string[] = [];

    constructor(
      readonly cache: CacheNode,
      readonly random: () => number,
    ) {}

    read(id: number): Promise<number> {
      const load = async (): Promise<number> => {
        const version = rows[id] as number;
        if (this.random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 2));
        return version;
      };
      return this.cache.service.getOrSet('rows', id, load, { tags: [`row:${id % 4}`] });
    }

    async step(): Promise<void> {
      const id = Math.floor(this.random() * ROWS);
      if (this.random() < 0.9) {
        const oldest = this.known[id] as number;
        const seen = await this.read(id);
        if (seen < oldest) this.violations.push(`row ${id}: ${seen} after ${oldest}`);
        return;
      }
      const version = (rows[id] = (rows[id] as number) + 1);
      await this.#evict(id);
      this.known[id] = Math.max(this.known[id] as number, version);
    }

    async #evict(id: number): Promise<void> {
      const { service } = this.cache;
      const kind = this.random();
      if (kind < 0.6) return service.delete('rows', id);
      if (kind < 0.9) return service.invalidateTags([`row:${id % 4}`]);
      return service.clear('rows');
    }

    get settled(): boolean {
      const { bus, pendingInvalidations } = this.cache.service.health();
      return bus === 'up' && pendingInvalidations === 0;
    }
  }

  const faults: Record<string, (on: CacheNode) => Promise<unknown>> = {
    'nothing goes wrong': () => Promise.resolve(),
    'subscribers are killed': ({ connection }) =>
      connection.client.client('KILL', 'TYPE', 'pubsub'),
    'connections are killed': ({ connection }) =>
      connection.client.client('KILL', 'TYPE', 'normal'),
    'Redis evicts tags and their clock': ({ connection: { client } }) =>
      client.del(
        'distributed:cache:clock',
        ...[0, 1, 2, 3].map((tag) => `distributed:cache:{srow%003a${tag}}:tag`),
        ...[0, 1, 2, 3].map((tag) => `distributed:cache:{srow:${tag}}:tag`),
      ),
    'Redis forgets everything': ({ connection: { client } }) => client.flushall(),
  };

  it.each(Object.keys(faults))('while %s', async (name) => {
    const seed = 7 + name.length;
    const random = seeded(seed);
    const options = { onInvalidateFailure: 'retry', staleWhileRevalidate: '1m' } as const;
    const caches = await Promise.all(
      [1, 2, 3, 4].map(() => startCacheNode(server.url, { cache: options })),
    );
    const nodes = caches.map((cache) => new Node(cache, random));
    const workers = [...nodes, ...nodes, ...nodes].map(async (node) => {
      for (let step = 0; step < 120; step++) await node.step();
    });
    let running = true;
    const troublemaker = (async () => {
      while (running) {
        await faults[name]?.(caches[Math.floor(random() * 4)] as CacheNode).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    await Promise.all(workers);
    running = false;
    await troublemaker;
    while (!nodes.every((node) => node.settled))
      await new Promise((resolve) => setTimeout(resolve, 5));
    // A message published by each node after everything else has arrived at the others.
    for (const [index, { cache }] of nodes.entries()) {
      const heard = caches
        .filter((other) => other !== cache)
        .map(
          (other) =>
            new Promise<void>((resolve) =>
              other.bus.onInvalidation((of) => of === `mark${index}` && resolve()),
            ),
        );
      await cache.service.delete(`mark${index}`, 1);
      await Promise.all(heard);
    }
    for (const node of nodes) {
      expect({ seed, violations: node.violations }).toEqual({ seed, violations: [] });
      const seen = await Promise.all(rows.map((_row, id) => node.read(id)));
      expect({ seed, seen }).toEqual({ seed, seen: rows });
    }
    await Promise.all(caches.map((cache) => cache.close()));
  });
});
