/** Redis servers for specs: each starts its own and never uses one that already runs. */
import {
  RedisClusterServers,
  RedisSentinelServers,
  RedisServer,
  type RedisServerOptions,
} from '../../src/servers/index.js';

export type { RedisClusterServers, RedisSentinelServers, RedisServer };

/** A standalone server (about 20 ms): start it in `beforeAll`, `stop()` it in `afterAll`. */
export function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  return RedisServer.start(options);
}

/** Three masters that share the slots (about two seconds). */
export function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisClusterServers> {
  return RedisClusterServers.start(options);
}

/** A master, a replica and three Sentinels (about two seconds). */
export function startRedisSentinel(
  options: RedisServerOptions = {},
): Promise<RedisSentinelServers> {
  return RedisSentinelServers.start(options);
}
