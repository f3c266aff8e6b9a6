/** A lock that Redis throws away is noticed at the next renewal, whoever or whatever deleted it. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { LockNode } from '../../../../test/support/lock-node.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';

const LEASE_MS = 900;
const KEY = 'distributed:lock:{k}';

describe('a lock that is evicted', () => {
  let server: RedisServer;
  let node: LockNode;
  let redis: Redis;

  beforeEach(async () => {
    server = await startRedis();
    node = await LockNode.start(server.url);
    redis = new Redis(server.url);
  });
  afterEach(async () => {
    redis.disconnect();
    await node.stop();
    await server.stop();
  });

  /** Milliseconds from the loss in the store to the signal. */
  const lossAfter = async (erase: () => Promise<unknown>): Promise<number> => {
    const lock = await node.locks.acquire('k', { lease: LEASE_MS });
    const aborted = new Promise<number>((resolve) => {
      lock.signal.addEventListener('abort', () => resolve(performance.now()), { once: true });
    });
    await erase();
    const erasedAt = performance.now();
    const noticedAfter = (await aborted) - erasedAt;
    expect(lock.loss).toMatchObject({ code: 'E_LOCK_LOST', reason: 'revoked' });
    expect(await lock.release()).toBe('already-lost');
    return noticedAfter;
  };

  it.each([
    ['DEL', () => redis.del(KEY)],
    ['UNLINK', () => redis.unlink(KEY)],
    ['FLUSHALL', () => redis.flushall()],
    ['expiry', () => redis.pexpire(KEY, 1).then(() => delay(5))],
  ])('by %s', async (_, erase) => {
    expect(await lossAfter(erase)).toBeLessThan(LEASE_MS / 3 + 250);
  });

  it.each(['volatile-lru', 'allkeys-random'])(
    'C23: memory policy %s throws a lock away, and its holder is told at the next renewal (mutation: a renewal that acquires)',
    async (policy) => {
      const noticedAfter = await lossAfter(async () => {
        const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
        await redis.config('SET', 'maxmemory', used + 1_000_000, 'maxmemory-policy', policy);
        // Values without TTL: with a volatile policy, nothing else can be evicted.
        for (let n = 0; (await redis.exists(KEY)) === 1; n++)
          await redis.set(`ballast-${n}`, 'x'.repeat(50_000)).catch(() => {});
        await redis.config('SET', 'maxmemory', 0);
      });
      expect(noticedAfter).toBeLessThan(LEASE_MS / 3 + 250);
    },
  );
});
