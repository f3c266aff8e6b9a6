/** The channels tell what happened by names and numbers, never by keys or values. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CacheNode, startCacheNode } from '../../../../test/support/cache-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { CACHE_CHANNELS } from './cache.events.js';

describe('the channels', () => {
  let server: RedisServer;
  let node: CacheNode;
  const events: unknown[][] = [];
  const listeners = Object.entries(CACHE_CHANNELS).map(
    ([kind, name]) => [name, (payload: unknown) => void events.push([kind, payload])] as const,
  );

  beforeAll(async () => {
    server = await startRedis();
    node = await startCacheNode(server.url);
    for (const [name, listener] of listeners) subscribe(name, listener);
  });
  afterAll(async () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
    await node.close();
    await server.stop();
  });

  it('tell of loads, fills, hits and evictions, and keep secrets', async () => {
    await node.service.getOrSet('users', 'secret-key', () => 'secret-value');
    await node.service.getOrSet('users', 'secret-key', () => 'secret-value');
    await node.service.delete('users', 'secret-key');
    expect(events).toEqual([
      ['load', { cache: 'users', ok: true, durationMs: expect.any(Number) }],
      ['fill', { cache: 'users', outcome: 'stored' }],
      ['hit', { cache: 'users', level: 'l1' }],
      ['invalidate', { cache: 'users', all: false, confirmed: true }],
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});
