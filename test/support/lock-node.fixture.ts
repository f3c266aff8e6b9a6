/** The lock capability of one process, without Nest: its own connection, store and service. */
import { type LockModuleOptions, LockService } from '../../libs/distributed/src/lock/index.js';
import { RedisLockStore } from '../../libs/distributed/src/lock/redis-lock.store.js';
import { RedisConnection } from '../../libs/distributed/src/redis/index.js';
import {
  type Clock,
  SystemClock,
  SystemRandom,
  toMs,
} from '../../libs/distributed/src/time/index.js';

/** One "process": what two of them share is the server alone. */
export class LockNode {
  private constructor(
    readonly redis: RedisConnection,
    readonly store: RedisLockStore,
    readonly locks: LockService,
  ) {}

  /** Connects to the server at `url`. */
  static async start(
    url: string,
    options: LockModuleOptions = {},
    clock: Clock = new SystemClock(),
  ): Promise<LockNode> {
    const redis = await RedisConnection.connect({ url, offlineTimeout: '1s' });
    const { replicas, timeout = '100ms' } = options.durability ?? {};
    const timeoutMs = toMs(timeout, 'durability.timeout');
    const replicated = replicas ? await redis.replicated({ replicas, timeoutMs }) : undefined;
    const store = new RedisLockStore(redis, replicated);
    return new LockNode(redis, store, new LockService(store, clock, new SystemRandom(), options));
  }

  /** An orderly shutdown. */
  async stop(): Promise<void> {
    await this.locks.beforeApplicationShutdown();
    await this.redis.close();
  }
}
