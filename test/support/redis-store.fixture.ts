/** A lock store on a Redis of its own, reached through a fault proxy; a second connection looks on. */
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type {
  AcquireCommand,
  AcquireReply,
  LockClaim,
} from '../../libs/distributed/src/lock/index.js';
import { RedisLockStore } from '../../libs/distributed/src/lock/redis-lock.store.js';
import { RedisConnection } from '../../libs/distributed/src/redis/index.js';
import { createFaultProxy, type FaultProxy } from '../../libs/distributed/src/testing/index.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

/** The lease of whoever asks for no other. */
export const LEASE_MS = 10_000;
/** For a server that answers. */
export const within = { deadlineMs: 2_000 };

/** What a spec works with. */
export class RedisStoreFixture {
  server!: RedisServer;
  proxy!: FaultProxy;
  /** Through the proxy. */
  redis!: RedisConnection;
  /** Around it. */
  direct!: RedisConnection;
  /** On `redis`. */
  store!: RedisLockStore;

  async start(): Promise<void> {
    this.server = await startRedis();
    this.proxy = await createFaultProxy(this.server.url);
    this.redis = await RedisConnection.connect({ url: this.proxy.url(), offlineTimeout: '2s' });
    this.direct = await RedisConnection.connect({ url: this.server.url });
    this.store = new RedisLockStore(this.redis);
  }

  async stop(): Promise<void> {
    await this.store.unwatch();
    await Promise.all([this.redis.close(), this.direct.close()]);
    await this.proxy.stop();
    await this.server.stop();
  }

  /** The key of the lock `k`. */
  get lockKey(): string {
    return this.direct.keys.key('lock', 'k');
  }

  /** Asks for the lock `k`, one token, no queue, unless said otherwise. */
  ask(owner: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
    const command = { key: 'k', owner, leaseMs: LEASE_MS, fences: 1, queue: false, ...more };
    return this.store.acquire(command, within);
  }

  /** Milliseconds left of a key. */
  ttl(key = this.lockKey): Promise<number> {
    return this.direct.execute('pttl', (client) => client.pttl(key));
  }

  async renewed(claim: LockClaim, leaseMs: number): Promise<boolean> {
    const [result] = await this.store.renew([{ ...claim, leaseMs }], within);
    if (result?.status !== 'fulfilled') throw result?.reason;
    return result.value;
  }
}

/** Starts it before the specs of a file, empties it before each, and ends it. */
export function useRedisStore(): RedisStoreFixture {
  const fixture = new RedisStoreFixture();
  beforeAll(() => fixture.start());
  afterAll(() => fixture.stop());
  beforeEach(async () => {
    await fixture.direct.execute('flush', (client) => client.flushall());
  });
  return fixture;
}

/** The fencing token of whoever got it. */
export async function tokenOf(reply: Promise<AcquireReply>): Promise<number> {
  const answer = await reply;
  if (!answer.acquired) throw new Error('expected the lock');
  return answer.fencingToken;
}

/** Whether somebody got it. */
export async function got(reply: Promise<AcquireReply>): Promise<boolean> {
  return (await reply).acquired;
}
