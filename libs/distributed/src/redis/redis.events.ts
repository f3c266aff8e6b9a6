/** What happens to the connections, on diagnostics channels: nothing is built without a subscriber. */
import { channel } from 'node:diagnostics_channel';
import type { RedisExecuted } from './redis.errors.js';

/** `commands` for calls, `replication` for those that wait for replicas, `subscriber` for messages. */
export type RedisRole = 'commands' | 'replication' | 'subscriber';

/** A connection came up or went down. */
export interface RedisStateEvent {
  readonly role: RedisRole;
  readonly state: 'up' | 'down';
  /** Why it went down, when that is known. */
  readonly reason?: string | undefined;
}

/** A call failed for a reason of the connection. */
export interface RedisFailureEvent {
  readonly label: string;
  /** `E_REDIS_DEADLINE` or `E_REDIS_UNAVAILABLE`. */
  readonly code: string;
  readonly executed: RedisExecuted;
}

/** A server that was connected did not answer, and its socket was destroyed. */
export interface RedisDeadSocketEvent {
  readonly role: RedisRole;
  /** `host:port` */
  readonly node: string;
}

/** `nestjs-distributed:redis:state`, payload `RedisStateEvent`. */
export const redisStateChannel = channel('nestjs-distributed:redis:state');

/** `nestjs-distributed:redis:failure`, payload `RedisFailureEvent`. */
export const redisFailureChannel = channel('nestjs-distributed:redis:failure');

/** `nestjs-distributed:redis:dead-socket`, payload `RedisDeadSocketEvent`. */
export const redisDeadSocketChannel = channel('nestjs-distributed:redis:dead-socket');
