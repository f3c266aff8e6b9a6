/** Waiting for what a Redis connection goes through, and settings short enough to wait for. */
import {
  redisDeadSocketChannel,
  type RedisStateEvent,
  redisStateChannel,
} from '../../libs/distributed/src/redis/index.js';

/** Deadlines that keep specs short and still survive a busy machine. */
export const SHORT = {
  commandTimeout: '600ms',
  connectTimeout: '600ms',
  heartbeatInterval: '300ms',
  heartbeatTimeout: '300ms',
} as const;

/** Resolves when a connection of this process next reaches the state. Call it before the cause. */
export function nextRedisState(
  role: RedisStateEvent['role'],
  state: RedisStateEvent['state'],
): Promise<void> {
  return new Promise((resolve) => {
    const listener = (event: unknown): void => {
      const { role: itsRole, state: itsState } = event as RedisStateEvent;
      if (itsRole !== role || itsState !== state) return;
      redisStateChannel.unsubscribe(listener);
      resolve();
    };
    redisStateChannel.subscribe(listener);
  });
}

/** Resolves when the heartbeat next destroys a socket. Call it before the cause. */
export function nextDeadSocket(): Promise<void> {
  return new Promise((resolve) => {
    const listener = (): void => {
      redisDeadSocketChannel.unsubscribe(listener);
      resolve();
    };
    redisDeadSocketChannel.subscribe(listener);
  });
}
