/** Every adapter of `LockStore` keeps the contract of the port. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisLockStore } from '../../libs/distributed/src/lock/redis-lock.store.js';
import { RedisConnection, type RedisOptions } from '../../libs/distributed/src/redis/index.js';
import {
  FakeClock,
  lockStoreCases,
  type LockStoreFixture,
  MemoryLockStore,
} from '../../libs/distributed/src/testing/index.js';
import { startRedis, startRedisCluster, startRedisSentinel } from '../support/redis.fixture.js';

describe('MemoryLockStore', () => {
  const cases = lockStoreCases(() => {
    const clock = new FakeClock();
    const store = new MemoryLockStore(clock);
    const close = async (): Promise<void> => {};
    return { store, other: store.peer(), advance: (ms: number) => clock.advance(ms), close };
  });
  it.each(cases)('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

interface RedisServers {
  readonly options: RedisOptions;
  stop(): Promise<void>;
}

const topologies: Readonly<Record<string, () => Promise<RedisServers>>> = {
  standalone: async () => {
    const server = await startRedis();
    return { options: { url: server.url }, stop: () => server.stop() };
  },
  Cluster: async () => {
    const servers = await startRedisCluster();
    return { options: { cluster: servers.nodes }, stop: () => servers.stop() };
  },
  Sentinel: async () => {
    const servers = await startRedisSentinel();
    const { sentinels, name } = servers;
    return { options: { sentinels, name }, stop: () => servers.stop() };
  },
};

describe.each(Object.entries(topologies))('RedisLockStore, %s', (_topology, start) => {
  let servers: RedisServers;
  let connections: [RedisConnection, RedisConnection];

  beforeAll(async () => {
    servers = await start();
    const { options } = servers;
    connections = await Promise.all([
      RedisConnection.connect(options),
      RedisConnection.connect(options),
    ]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await servers.stop();
  });

  const create = (): LockStoreFixture => {
    const [one, other] = connections;
    const close = async (): Promise<void> => {};
    return { store: new RedisLockStore(one), other: new RedisLockStore(other), close };
  };
  it.each(lockStoreCases(create))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
