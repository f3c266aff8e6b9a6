/** cacheable: memory as primary, Redis as secondary store; no messages between nodes. */
import { peer } from '../../../harness/peer.js';
import { type CacheContender, MAX_ENTRIES, type OpenOptions } from '../contender.js';
import { keyvModules } from './keyv.js';

interface CacheableModule {
  Cacheable: new (options: { primary: object; secondary?: object; ttl: number }) => {
    getOrSet(key: string, load: () => Promise<unknown>): Promise<unknown>;
    delete(key: string): Promise<unknown>;
    disconnect(): Promise<unknown>;
  };
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openCacheable(options: OpenOptions): Promise<CacheContender> {
  const { Cacheable } = await peer<CacheableModule>('cacheable');
  const { Keyv, KeyvRedis, CacheableMemory } = await keyvModules();
  const { url, load, ttlMs, levels } = options;
  const cache = new Cacheable({
    primary: new Keyv({ store: new CacheableMemory({ lruSize: MAX_ENTRIES, ttl: ttlMs }) }),
    ...(levels === 'both' && {
      secondary: new Keyv({ store: new KeyvRedis(url), namespace: 'bench-cacheable' }),
    }),
    ttl: ttlMs,
  });
  return {
    read: (key) => cache.getOrSet(String(key), () => load(key)),
    forget: (key) => cache.delete(String(key)),
    close: () => cache.disconnect(),
  };
}
