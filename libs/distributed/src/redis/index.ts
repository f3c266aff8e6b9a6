/** The Redis layer: one connection for calls, one for messages, deadlines on both. */
export {
  RedisDeadlineError,
  type RedisExecuted,
  RedisKeyError,
  RedisUnavailableError,
} from './redis.errors.js';
export {
  redisDeadSocketChannel,
  type RedisDeadSocketEvent,
  redisFailureChannel,
  type RedisFailureEvent,
  type RedisRole,
  redisStateChannel,
  type RedisStateEvent,
} from './redis.events.js';
export type { RedisCallOptions } from './redis-caller.js';
export type { Replicated, ReplicatedScripts, ReplicationOptions } from './redis-replicated.js';
export { RedisConnection, type RedisTopology } from './redis.connection.js';
export { RedisKeys } from './redis.keys.js';
export { RedisModule } from './redis.module.js';
export {
  REDIS_OPTIONS,
  type RedisClient,
  type RedisClientOptions,
  type RedisClusterOptions,
  type RedisOptions,
  type RedisProfileOptions,
  type RedisSentinelOptions,
  type RedisUrlOptions,
} from './redis.options.js';
export {
  composeScript,
  defineScript,
  type RedisArgument,
  type RedisScript,
  type RedisScriptCall,
  type RedisScriptDefinition,
} from './redis-script.js';
export type { RedisListener, SubscriberState, Subscription } from './redis-subscriber.js';
