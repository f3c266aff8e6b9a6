/** Real servers as child processes: free ports, throw-away data, ended with this process. */
export { dismiss, startGuard } from './process-guard.js';
export { freePort } from './free-port.js';
export { findPostgresBinary, type PostgresBinary } from './postgres-binary.js';
export { PostgresServer, type PostgresServerOptions } from './postgres-server.js';
export { findRedisBinary, type RedisBinary } from './redis-binary.js';
export { RedisClusterServers, type RedisNode } from './redis-cluster.js';
export { RedisSentinelServers } from './redis-sentinel.js';
export { RedisServer, type RedisServerOptions } from './redis-server.js';
export { ServerMissingError, ServerStartError } from './server.errors.js';
