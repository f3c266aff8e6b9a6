/** async-cache-dedupe: one level, memory or Redis; keys are what its default makes of them. */
import { Redis } from 'ioredis';
import { peer } from '../../../harness/peer.js';
import { type CacheContender, type Key, MAX_ENTRIES, type OpenOptions } from '../contender.js';

interface AsyncCacheDedupe {
  createCache(options: object): {
    define(name: 'read', options: object, load: (key: Key) => Promise<unknown>): void;
    clear(name: 'read', key: Key): Promise<unknown>;
    readonly read: (key: Key) => Promise<unknown>;
  };
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openAsyncCacheDedupe(options: OpenOptions): Promise<CacheContender> {
  const { createCache } = await peer<AsyncCacheDedupe>('async-cache-dedupe');
  const { url, load, ttlMs, staleMs = 0, levels } = options;
  const client = levels === 'both' ? new Redis(url) : undefined;
  const cache = createCache({
    ttl: Math.ceil(ttlMs / 1_000),
    stale: Math.ceil(staleMs / 1_000),
    storage: client
      ? { type: 'redis', options: { client } }
      : { type: 'memory', options: { size: MAX_ENTRIES } },
  });
  cache.define('read', {}, load);
  return {
    read: (key) => cache.read(key),
    forget: (key) => cache.clear('read', key),
    close: async () => client?.disconnect(),
  };
}
