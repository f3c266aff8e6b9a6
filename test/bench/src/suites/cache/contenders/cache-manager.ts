/** cache-manager with Keyv: memory before Redis, its documented two levels; no messages between nodes. */
import { peer } from '../../../harness/peer.js';
import { type CacheContender, MAX_ENTRIES, type OpenOptions } from '../contender.js';
import { type KeyvModules, keyvModules } from './keyv.js';

interface CacheManager {
  createCache(options: { stores: object[]; ttl: number }): {
    wrap(key: string, load: () => Promise<unknown>): Promise<unknown>;
    del(key: string): Promise<unknown>;
    disconnect(): Promise<unknown>;
  };
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openCacheManager(options: OpenOptions): Promise<CacheContender> {
  const { createCache } = await peer<CacheManager>('cache-manager');
  const { Keyv, KeyvRedis, CacheableMemory }: KeyvModules = await keyvModules();
  const { url, load, ttlMs, levels } = options;
  const memory = new Keyv({ store: new CacheableMemory({ lruSize: MAX_ENTRIES, ttl: ttlMs }) });
  const redis = (): object =>
    new Keyv({ store: new KeyvRedis(url), namespace: 'bench-cache-manager' });
  const stores = levels === 'both' ? [memory, redis()] : [memory];
  const cache = createCache({ stores, ttl: ttlMs });
  return {
    read: (key) => cache.wrap(String(key), () => load(key)),
    forget: (key) => cache.del(String(key)),
    close: () => cache.disconnect(),
  };
}
