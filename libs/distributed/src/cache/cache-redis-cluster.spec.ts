/** The protocol on a Redis Cluster: keys spread over the masters, scripts stay in one slot. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type CacheNode, startCacheNode } from '../../../../test/support/cache-node.fixture.js';
import {
  type RedisClusterServers,
  startRedisCluster,
} from '../../../../test/support/redis.fixture.js';

describe('on a Redis Cluster', () => {
  let servers: RedisClusterServers;
  let nodes: [CacheNode, CacheNode];

  beforeAll(async () => {
    servers = await startRedisCluster();
    const options = { cluster: servers.nodes };
    nodes = [await startCacheNode(options), await startCacheNode(options)];
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await servers.stop();
  });

  it('fills, shares, evicts, puts and clears', async () => {
    const [a, b] = nodes;
    const load = jest.fn((id: number) => `old ${id}`);
    const ids = Array.from({ length: 30 }, (_unused, id) => id);
    for (const { service } of nodes)
      for (const id of ids) await service.getOrSet('c', id, () => load(id));
    expect(load).toHaveBeenCalledTimes(ids.length);
    const heard = Promise.all([message(a), message(b)]);
    await a.service.delete('c', 0);
    await b.service.set('c', 1, 'set');
    await heard;
    expect(await b.service.getOrSet('c', 0, () => 'new')).toBe('new');
    expect(await a.service.getOrSet('c', 1, () => 'loaded')).toBe('set');
    const cleared = message(a);
    await b.service.clear('c');
    await cleared;
    for (const id of ids) expect(await a.service.getOrSet('c', id, () => 'newest')).toBe('newest');
  });

  it('tags and expires, with keys in many slots', async () => {
    const [a, b] = nodes;
    const options = {
      tags: Array.from({ length: 10 }, (_unused, tag) => `tag ${tag}`),
      staleIfError: '1m',
    } as const;
    const get = (on: CacheNode, load: () => string) =>
      on.service.getOrSet('tagged', 1, load, options);
    for (const node of nodes) expect(await get(node, () => 'old')).toBe('old');
    const told = new Promise<void>((resolve) => b.bus.onTag(() => resolve()));
    await a.service.invalidateTags(['tag 3']);
    await told;
    for (const node of nodes) expect(await get(node, () => 'new')).toBe('new');
    const heard = message(b);
    await a.service.expire('tagged', 1);
    await heard;
    const fail = (): never => {
      throw new Error('no database');
    };
    for (const node of nodes) expect(await get(node, fail)).toBe('new');
  });
});

/** Resolves with the next invalidation that arrives at the node. */
function message(node: CacheNode): Promise<void> {
  return new Promise((resolve) => node.bus.onInvalidation(() => resolve()));
}
