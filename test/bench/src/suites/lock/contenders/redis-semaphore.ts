/** redis-semaphore: a Mutex per acquisition, its own 10 ms polling, waiting without limit. */
import { CommandCounter, CountingRedis } from '../../../harness/counting-client.js';
import { peer } from '../../../harness/peer.js';
import { LEASE_MS, type LockContender } from '../contender.js';

interface Mutex {
  acquire(): Promise<void>;
  release(): Promise<void>;
}

interface RedisSemaphore {
  Mutex: new (
    client: CountingRedis,
    key: string,
    options: { lockTimeout: number; acquireTimeout: number; onLockLost?: () => void },
  ) => Mutex;
}

/** Version and settings: see package.json and `docs/bench.md`. */
export async function openRedisSemaphore(url: string): Promise<LockContender> {
  const { Mutex } = await peer<RedisSemaphore>('redis-semaphore');
  const commands = new CommandCounter();
  const client = new CountingRedis(url, commands);
  const options = { lockTimeout: LEASE_MS, acquireTimeout: Number.POSITIVE_INFINITY };
  return {
    commands,
    async acquire(key) {
      const mutex = new Mutex(client, key, options);
      await mutex.acquire();
      return () => mutex.release();
    },
    async hold(key, lockTimeout, onLockLost) {
      const mutex = new Mutex(client, key, { ...options, lockTimeout, onLockLost });
      await mutex.acquire();
      return () => mutex.release();
    },
    async close() {
      client.disconnect();
    },
  };
}
