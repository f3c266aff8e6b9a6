/** The same guarantees on a Redis Cluster of three masters. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { SHORT } from '../../../../test/support/redis-state.fixture.js';
import {
  type RedisClusterServers,
  startRedisCluster,
} from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from './redis.connection.js';
import type { RedisScript } from './redis-script.js';

/** Moves one unit between two keys of a name. */
const source = "redis.call('INCR', KEYS[1]) return redis.call('DECR', KEYS[2])";
const move: RedisScript<number> = {
  name: 'move',
  source,
  sha: '0'.repeat(40),
  keys: 2,
  parse: Number,
};

describe('RedisConnection on a Cluster', () => {
  let cluster: RedisClusterServers;
  let connection: RedisConnection;
  let judges: Redis[];

  beforeAll(async () => {
    cluster = await startRedisCluster();
    judges = cluster.nodes.map((node) => new Redis(node));
    connection = await RedisConnection.connect({
      ...SHORT,
      commandTimeout: '5s',
      cluster: cluster.nodes,
    });
  });

  afterAll(async () => {
    for (const judge of judges) judge.disconnect();
    await connection.close();
    await cluster.stop();
  });

  const callOf = (name: string) => ({
    keys: [connection.keys.key('spec', name, 'to'), connection.keys.key('spec', name, 'from')],
    args: [],
  });

  // Catches keys without a hash tag (CROSSSLOT), and a pipeline over several nodes.
  it('runs scripts with several keys of one name, wherever the name lives', async () => {
    expect(connection.topology).toBe('cluster');
    const { keys, args } = callOf('alone');
    expect(await connection.eval(move, keys, args)).toBe(-1);
    const names = Array.from({ length: 60 }, (_, index) => `name-${index}`);
    const results = await connection.evalAll(move, names.map(callOf));
    expect(results).toEqual(names.map(() => ({ status: 'fulfilled', value: -1 })));
    const sizes = await Promise.all(judges.map((judge) => judge.dbsize()));
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  it('settles every call while a master is dead, and works when it is back', async () => {
    const messages: string[] = [];
    await connection.subscribe('news', (message) => messages.push(message));
    const victim = cluster.servers[0];
    await victim?.kill();
    const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);
    const results = await Promise.all(
      names.map((name) => {
        const { keys, args } = callOf(name);
        return connection.eval(move, keys, args, { deadlineMs: 500 }).then(
          () => 'ok',
          (error: { code?: string }) => error.code,
        );
      }),
    );
    expect(new Set(results).size).toBeGreaterThan(0);
    for (const result of results)
      expect(['ok', 'E_REDIS_DEADLINE', 'E_REDIS_UNAVAILABLE']).toContain(result);

    await victim?.restart();
    // Each call waits for the cluster within its own deadline; the loop bounds the recovery.
    const { keys, args } = callOf('name-0');
    for (const name of names) {
      const call = callOf(name);
      await untilFulfilled(() => connection.eval(move, call.keys, call.args));
    }
    expect(await connection.eval(move, keys, args)).toBeLessThan(0);
    await untilFulfilled(async () => {
      const { client } = connection;
      await connection.execute('publish', () => client.publish('news', 'after'));
      if (!messages.includes('after')) throw new Error('not yet');
    });
  });

  async function untilFulfilled(attempt: () => Promise<unknown>): Promise<void> {
    for (let left = 100; ; left--) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
});
