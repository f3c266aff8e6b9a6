/** One node of a cluster of caches, built by hand: several of them in one process meet in one Redis. */
import { CacheBatch } from '../../libs/distributed/src/cache/cache-batch.js';
import { CacheFiller } from '../../libs/distributed/src/cache/cache-filler.js';
import { CacheFlight } from '../../libs/distributed/src/cache/cache-flight.js';
import { CacheInvalidator } from '../../libs/distributed/src/cache/cache-invalidator.js';
import { CacheLeases } from '../../libs/distributed/src/cache/cache-leases.js';
import { CacheLoader } from '../../libs/distributed/src/cache/cache-loader.js';
import { CacheMemory } from '../../libs/distributed/src/cache/cache-memory.js';
import {
  type CacheOptions,
  type ResolvedCacheOptions,
  resolveCacheOptions,
} from '../../libs/distributed/src/cache/cache.options.js';
import { CacheReader } from '../../libs/distributed/src/cache/cache-reader.js';
import { CacheRefresher } from '../../libs/distributed/src/cache/cache-refresher.js';
import { CacheRegistry } from '../../libs/distributed/src/cache/cache-registry.js';
import { CacheService } from '../../libs/distributed/src/cache/cache.service.js';
import type { CacheStore } from '../../libs/distributed/src/cache/cache.store.js';
import type { CacheTransactionPort } from '../../libs/distributed/src/cache/cache-transaction.port.js';
import { CacheTransactions } from '../../libs/distributed/src/cache/cache-transactions.js';
import { CacheWriter } from '../../libs/distributed/src/cache/cache-writer.js';
import { EntryBuilder } from '../../libs/distributed/src/cache/entry-builder.js';
import { FactoryRunner } from '../../libs/distributed/src/cache/factory-runner.js';
import { InvalidationBus } from '../../libs/distributed/src/cache/invalidation-bus.js';
import { L2Breaker } from '../../libs/distributed/src/cache/l2-breaker.js';
import { RedisCacheStore } from '../../libs/distributed/src/cache/redis-cache.store.js';
import { TagBook } from '../../libs/distributed/src/cache/tag-book.js';
import { RedisConnection, type RedisOptions } from '../../libs/distributed/src/redis/index.js';
import {
  type Clock,
  type Random,
  SystemClock,
  SystemRandom,
} from '../../libs/distributed/src/time/index.js';

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
  readonly tags: TagBook;
  readonly writer: CacheWriter;
  close(): Promise<void>;
}

/** A busy machine is no outage: only specs of the deadlines set short ones. */
const PATIENT = { readDeadline: '10s', writeDeadline: '10s' } as const;

/** Starts a node whose bus is up. Its caches live for a minute unless told otherwise. */
export async function startCacheNode(
  redis: string | RedisOptions,
  { cache, store: wrap, transactions }: CacheNodeOptions = {},
): Promise<CacheNode> {
  const clock = new SystemClock();
  const options = resolveCacheOptions({ ttl: '1m', l2: PATIENT, ...cache });
  const connection = await RedisConnection.connect(
    typeof redis === 'string' ? { url: redis } : redis,
  );
  const breaker = new L2Breaker(clock, options);
  const redisStore = new RedisCacheStore(connection, breaker, options);
  const store = wrap ? wrap(redisStore) : redisStore;
  const random = new SystemRandom();
  const node = composeCacheNode({
    connection,
    store,
    clock,
    random,
    options,
    breaker,
    transactions,
  });
  await node.bus.start();
  return node;
}

/** What a node is composed of. */
export interface CacheNodeParts {
  readonly connection: RedisConnection;
  readonly store: CacheStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly options: ResolvedCacheOptions;
  readonly breaker: L2Breaker;
  readonly transactions?: CacheTransactionPort | undefined;
}

/** A node whose bus is not started yet. */
export function composeCacheNode(parts: CacheNodeParts): CacheNode {
  const { connection, store, clock, random, options, breaker } = parts;
  const bus = new InvalidationBus(connection, clock, random, options);
  const registry = new CacheRegistry(options);
  const transactions = new CacheTransactions(parts.transactions);
  const tags = new TagBook(store, bus, clock);
  const memory = new CacheMemory(bus, clock, random, options);
  const reader = new CacheReader(store, bus, tags, clock);
  const leases = new CacheLeases(store, clock, options);
  const runner = new FactoryRunner(clock);
  const builder = new EntryBuilder(tags, clock, random);
  const filler = new CacheFiller(runner, builder, leases, memory, tags, clock, options);
  const refresher = new CacheRefresher(memory, reader, leases, filler, runner, bus, clock, random);
  const flight = new CacheFlight(
    memory,
    reader,
    leases,
    filler,
    runner,
    refresher,
    clock,
    random,
    options,
  );
  const loader = new CacheLoader(memory, runner, flight, refresher, transactions, bus);
  const invalidator = new CacheInvalidator(
    store,
    bus,
    reader,
    tags,
    clock,
    random,
    registry,
    options,
  );
  const writer = new CacheWriter(invalidator, transactions, builder, filler, memory, clock);
  const batch = new CacheBatch(
    loader,
    memory,
    reader,
    leases,
    flight,
    filler,
    runner,
    transactions,
    bus,
    random,
  );
  const service = new CacheService(
    registry,
    loader,
    batch,
    writer,
    invalidator,
    bus,
    breaker,
    clock,
  );
  return {
    service,
    bus,
    store,
    connection,
    registry,
    tags,
    writer,
    async close() {
      invalidator.onModuleDestroy();
      bus.stop();
      await connection.close();
    },
  };
}
