/** One node of a cluster of caches, built by hand: several of them in one process meet in one Redis. */
import { CacheInvalidator } from '../../libs/distributed/src/cache/cache-invalidator.js';
import { CacheLeases } from '../../libs/distributed/src/cache/cache-leases.js';
import { CacheLoader } from '../../libs/distributed/src/cache/cache-loader.js';
import {
  type CacheOptions,
  resolveCacheOptions,
} from '../../libs/distributed/src/cache/cache.options.js';
import { CacheReader } from '../../libs/distributed/src/cache/cache-reader.js';
import { CacheRegistry } from '../../libs/distributed/src/cache/cache-registry.js';
import { CacheService } from '../../libs/distributed/src/cache/cache.service.js';
import type { CacheStore } from '../../libs/distributed/src/cache/cache.store.js';
import type { CacheTransactionPort } from '../../libs/distributed/src/cache/cache-transaction.port.js';
import { CacheTransactions } from '../../libs/distributed/src/cache/cache-transactions.js';
import { CacheWriter } from '../../libs/distributed/src/cache/cache-writer.js';
import { InvalidationBus } from '../../libs/distributed/src/cache/invalidation-bus.js';
import { RedisCacheStore } from '../../libs/distributed/src/cache/redis-cache.store.js';
import { RedisConnection, type RedisOptions } from '../../libs/distributed/src/redis/index.js';
import { SystemClock, SystemRandom } from '../../libs/distributed/src/time/index.js';

/** What a test may decide about a node. */
export interface CacheNodeOptions {
  readonly cache?: CacheOptions;
  /** Wraps the store, to hold its calls. */
  readonly store?: (store: CacheStore) => CacheStore;
  readonly transactions?: CacheTransactionPort;
}

/** A running node. */
export interface CacheNode {
  readonly service: CacheService;
  readonly bus: InvalidationBus;
  readonly store: CacheStore;
  readonly connection: RedisConnection;
  readonly registry: CacheRegistry;
  close(): Promise<void>;
}

/** A busy machine is no outage: only specs of the deadlines set short ones. */
const PATIENT = { readDeadline: '10s', writeDeadline: '10s' } as const;

/** Starts a node whose bus is up. Its caches live for a minute unless told otherwise. */
export async function startCacheNode(
  redis: string | RedisOptions,
  { cache, store: wrap, transactions: port }: CacheNodeOptions = {},
): Promise<CacheNode> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const options = resolveCacheOptions({ ttl: '1m', l2: PATIENT, ...cache });
  const connection = await RedisConnection.connect(
    typeof redis === 'string' ? { url: redis } : redis,
  );
  const redisStore = new RedisCacheStore(connection, options);
  const store = wrap ? wrap(redisStore) : redisStore;
  const bus = new InvalidationBus(connection, clock, random, options);
  const registry = new CacheRegistry(options);
  const transactions = new CacheTransactions(port);
  const reader = new CacheReader(store, bus, clock);
  const leases = new CacheLeases(store, clock, options);
  const loader = new CacheLoader(reader, leases, bus, transactions, clock, random, options);
  const invalidator = new CacheInvalidator(store, bus, reader, clock, random, registry, options);
  const writer = new CacheWriter(invalidator, transactions);
  const service = new CacheService(registry, loader, writer, invalidator, bus);
  await bus.start();
  return {
    service,
    bus,
    store,
    connection,
    registry,
    async close() {
      invalidator.onModuleDestroy();
      bus.stop();
      await connection.close();
    },
  };
}
