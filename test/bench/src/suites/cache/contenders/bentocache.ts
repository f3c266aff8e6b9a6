/** BentoCache: memory, Redis and its bus; entries in memory serialized, as its default is, when there is Redis. */
import { peer } from '../../../harness/peer.js';
import { type CacheContender, MAX_ENTRIES, type OpenOptions } from '../contender.js';

interface Store {
  useL1Layer(driver: object): Store;
  useL2Layer(driver: object): Store;
  useBus(driver: object): Store;
}

interface Bento {
  getOrSet(options: object): Promise<unknown>;
  delete(options: { key: string }): Promise<unknown>;
  disconnectAll(): Promise<void>;
}

interface BentoModule {
  BentoCache: new (options: object) => Bento;
  bentostore(): Store;
}

interface RedisDrivers {
  redisDriver(options: object): object;
  redisBusDriver(options: object): object;
}

interface MemoryDrivers {
  memoryDriver(options: object): object;
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openBentoCache(options: OpenOptions): Promise<CacheContender> {
  const { url, load, ttlMs, staleMs, levels } = options;
  const { BentoCache, bentostore } = await peer<BentoModule>('bentocache');
  const { memoryDriver } = await peer<MemoryDrivers>('bentocache/drivers/memory');
  const { redisDriver, redisBusDriver } = await peer<RedisDrivers>('bentocache/drivers/redis');
  const { hostname: host, port } = new URL(url);
  const connection = { host, port: Number(port) };
  // Without serialization it is faster, but then it throws after a hit in Redis.
  const memory = memoryDriver({ maxItems: MAX_ENTRIES, serialize: levels === 'both' });
  const store = bentostore().useL1Layer(memory);
  if (levels === 'both')
    store.useL2Layer(redisDriver({ connection })).useBus(redisBusDriver({ connection }));
  const bento = new BentoCache({
    default: 'bench',
    stores: { bench: store },
    prefix: 'bench-bento',
    ttl: ttlMs,
    ...(staleMs !== undefined && { grace: staleMs, timeout: 0 }),
  });
  return {
    read: (key) => bento.getOrSet({ key: String(key), factory: () => load(key) }),
    forget: (key) => bento.delete({ key: String(key) }),
    close: () => bento.disconnectAll(),
  };
}
