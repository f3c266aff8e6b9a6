/** The same locks on a Redis Cluster: one slot per key, messages across nodes. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import {
  type RedisClusterServers,
  startRedisCluster,
} from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from '../redis/index.js';
import { SystemClock, SystemRandom } from '../time/index.js';
import { LockService } from './lock.service.js';
import { RedisLockStore } from './redis-lock.store.js';

/** Fencing tokens behind the holder's, for those who follow by hand-off: `localHandoffs`. */
const RESERVED = 16;

interface Node {
  redis: RedisConnection;
  locks: LockService;
}

let cluster: RedisClusterServers;
let nodes: [Node, Node];

beforeAll(async () => {
  cluster = await startRedisCluster();
  const start = async (): Promise<Node> => {
    const redis = await RedisConnection.connect({ cluster: cluster.nodes });
    const store = new RedisLockStore(redis);
    return { redis, locks: new LockService(store, new SystemClock(), new SystemRandom(), {}) };
  };
  nodes = await Promise.all([start(), start()]);
}, 60_000);

afterAll(async () => {
  for (const { locks, redis } of nodes) {
    await locks.beforeApplicationShutdown();
    await redis.close();
  }
  await cluster.stop();
});

describe('locks on a Cluster', () => {
  it('find nothing wrong with it at boot, and warn of every policy that evicts', async () => {
    const { redis } = nodes[0];
    const second = new Redis(cluster.nodes[1] as { host: string; port: number });
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const debug = jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => {});
    await new RedisLockStore(redis).onModuleInit();
    expect([warn, debug].map(({ mock }) => mock.calls)).toEqual([[], []]);
    await second.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'volatile-lru');
    await new RedisLockStore(redis).onModuleInit();
    await second.config('SET', 'maxmemory', '0');
    second.disconnect();
    expect(warn.mock.calls).toHaveLength(1);
    jest.restoreAllMocks();
  });

  it('exclude on every node (mutation: keys without a hash tag fail with CROSSSLOT)', async () => {
    const [one, two] = nodes;
    for (let slot = 0; slot < 12; slot++) {
      const lock = await one.locks.acquire(['key', slot]);
      expect(await two.locks.tryAcquire(['key', slot])).toBeNull();
      const state = await two.locks.query(['key', slot]);
      expect(state?.fencingToken).toBe(lock.fencingToken + RESERVED);
      expect(await lock.release()).toBe('released');
    }
  });

  it('hand over by a message, whichever node it is published on', async () => {
    const [one, two] = nodes;
    const resource = { value: 0, inside: 0, overlaps: 0 };
    const work = async ({ locks }: Node, key: number): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await locks.execute(['handed', key], async () => {
          if (++resource.inside > 1) resource.overlaps++;
          const read = resource.value;
          await new Promise((resolve) => setImmediate(resolve));
          resource.value = read + 1;
          resource.inside--;
        });
      }
    };
    for (const key of [1, 2, 3]) await Promise.all([work(one, key), work(two, key)]);
    expect(resource).toEqual({ value: 30, inside: 0, overlaps: 0 });
  });

  it('C21: several keys, whose slots are far apart, are locked all or none (mutation: one script)', async () => {
    const [one, two] = nodes;
    const keys = [
      ['pair', 1],
      ['pair', 2],
      ['pair', 3],
    ];
    const taken = await two.locks.acquire(['pair', 3]);
    expect(await one.locks.tryAcquire(keys)).toBeNull();
    expect(await two.locks.query(['pair', 1])).toBeNull();
    await taken.release();
    const resource = { value: 0 };
    const work = async ({ locks }: Node, wanted: (string | number)[][]): Promise<void> => {
      for (let round = 0; round < 5; round++)
        await locks.execute(wanted, async () => {
          const read = resource.value;
          await new Promise((resolve) => setImmediate(resolve));
          resource.value = read + 1;
        });
    };
    await Promise.all([work(one, keys), work(two, keys.toReversed()), work(two, [['pair', 2]])]);
    expect(resource.value).toBe(15);
  });
});
