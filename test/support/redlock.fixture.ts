/** Five masters that know nothing of each other, each behind a fault proxy; a second client looks on. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  type AcquireCommand,
  type AcquireReply,
  type RedlockOptions,
  RedlockStore,
} from '../../libs/distributed/src/lock/index.js';
import { createFaultProxy, type FaultProxy } from '../../libs/distributed/src/testing/index.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

const MASTERS = 5;
/** The lease of whoever asks for no other: nothing ends by itself while a spec waits for it. */
export const LEASE_MS = 60_000;
/** For masters that answer. */
export const within = { deadlineMs: 2_000 };

/** One master. */
export interface Master {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  /** Around the proxy. */
  readonly direct: Redis;
}

/** What a spec works with. */
export class RedlockFixture {
  masters: Master[] = [];
  readonly #stores: RedlockStore[] = [];

  async start(): Promise<void> {
    this.masters = await Promise.all(
      Array.from({ length: MASTERS }, async () => {
        const server = await startRedis();
        const direct = new Redis(server.url, { retryStrategy: () => 20 });
        direct.on('error', () => {});
        return { server, proxy: await createFaultProxy(server.url), direct };
      }),
    );
  }

  async stop(): Promise<void> {
    for (const { server, proxy, direct } of this.masters) {
      direct.disconnect();
      await proxy.stop();
      await server.stop();
    }
  }

  /** Everything as it was; what the last spec left is gone. */
  async reset(): Promise<void> {
    await Promise.all(
      this.masters.map(async ({ server, proxy, direct }) => {
        // What a fault held back must not arrive later.
        proxy.resetAll();
        await proxy.heal();
        if (!server.running) await server.restart();
        await direct.flushall();
      }),
    );
  }

  /** Ends the stores of a spec. */
  async closeStores(): Promise<void> {
    await Promise.all(this.#stores.splice(0).map((store) => store.unwatch()));
  }

  /** A process, which reaches the masters through the proxies. Restarted ones vote at once. */
  open(options: Partial<RedlockOptions> = {}): RedlockStore {
    const nodes = this.masters.map(({ proxy }) => ({ url: proxy.url() }));
    // A busy machine is no outage: only specs of the timeout set a short one.
    const store = new RedlockStore({ nodes, nodeTimeout: '2s', restartDelay: 0, ...options });
    this.#stores.push(store);
    return store;
  }

  /** The owners that the masters have for the lock `k`, in their order; null for nobody. */
  async owners(key = 'k'): Promise<(string | null)[]> {
    const name = `distributed:redlock:{${key}}`;
    const values = await Promise.all(this.masters.map(({ direct }) => direct.get(name)));
    return values.map((value) => value && value.replace(/#\d+$/, ''));
  }

  /** Takes the lock `k` with the votes of all masters; the connections to all are there then. */
  async holdAll(store: RedlockStore, owner: string): Promise<void> {
    await eventually(async () => {
      // Masters that were restarted a moment ago may not vote yet.
      await ask(store, owner).catch(() => {});
      return (await this.owners()).every((name) => name === owner);
    });
  }

  /** A process with connections to all masters. */
  async connect(options: Partial<RedlockOptions> = {}): Promise<RedlockStore> {
    const store = this.open(options);
    await this.holdAll(store, 'first');
    await store.release({ key: 'k', owner: 'first' }, within);
    await this.untilHeldBy('first', 0);
    return store;
  }

  /** Waits until so many masters have that owner for the lock `k`. */
  async untilHeldBy(owner: string, masters: number): Promise<void> {
    await eventually(async () => {
      return (await this.owners()).filter((name) => name === owner).length === masters;
    });
  }
}

/** Starts it before the specs of a file, resets it before each, and ends it. */
export function useRedlock(): RedlockFixture {
  const fixture = new RedlockFixture();
  beforeAll(() => fixture.start());
  afterAll(() => fixture.stop());
  beforeEach(() => fixture.reset());
  afterEach(() => fixture.closeStores());
  return fixture;
}

/** Asks for the lock `k`, without a queue, unless said otherwise. */
export function ask(
  store: RedlockStore,
  owner: string,
  more: Partial<AcquireCommand> = {},
): Promise<AcquireReply> {
  const command = { key: 'k', owner, leaseMs: LEASE_MS, fences: 1, queue: false, ...more };
  return store.acquire(command, within);
}

/** Asks again and again. */
export async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 2));
}
