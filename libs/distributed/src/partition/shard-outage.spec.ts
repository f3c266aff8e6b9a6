/**
 * One shard fails in every way a server can; the other is judged by the latency of its calls. The
 * second shard is a server of its own, the first one lies on the shared server.
 */
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Repository } from 'typeorm';
import {
  Order,
  ORDERS_TABLE,
  partitionApp,
  sql,
} from '../../../../test/support/partition.fixture.js';
import {
  createDatabase,
  type PostgresServer,
  startPostgres,
  type TestDatabase,
} from '../../../../test/support/postgres.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import { PartitionService, partitionRepositoryToken } from './index.js';

const CONNECT_TIMEOUT_MS = 400;
/** Silence, then the question, then some room for a busy machine. */
const NOTICED_WITHIN_MS = 2 * CONNECT_TIMEOUT_MS + 1_500;

describe('outage of one shard', () => {
  let database: TestDatabase;
  let server: PostgresServer;
  let proxy: FaultProxy;
  let app: INestApplicationContext;
  let partitions: PartitionService;
  let orders: Repository<Order>;
  let customers: { s1: string; s2: string };

  const unavailable = expect.objectContaining({ code: 'E_PARTITION_SHARD_UNAVAILABLE' });

  const start = (
    secondUrl: string,
    options: { queryTimeout?: number; connectTimeout?: number } = {},
  ): Promise<INestApplicationContext> =>
    partitionApp({
      shards: [
        { id: 's1', url: database.url },
        { id: 's2', url: secondUrl, pool: 3 },
      ],
      entities: [Order],
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryAfter: 100,
      poolTimeout: '20s',
      ...options,
    });

  beforeAll(async () => {
    [database, server] = await Promise.all([createDatabase(), startPostgres()]);
    await Promise.all([database.url, server.url].map((url) => sql(url, ORDERS_TABLE)));
  });

  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  beforeEach(async () => {
    if (!server.running) await server.restart();
    proxy = await createFaultProxy(server.url);
    use(await start(proxy.url(server.url)));
    await Promise.all([database.url, server.url].map((url) => sql(url, 'TRUNCATE orders')));
  });

  afterEach(async () => {
    await app.close();
    await proxy.stop();
  });

  function use(application: INestApplicationContext): void {
    app = application;
    partitions = app.get(PartitionService);
    orders = app.get<Repository<Order>>(partitionRepositoryToken(Order));
    customers = { s1: customerOn('s1'), s2: customerOn('s2') };
  }

  function customerOn(shard: string): string {
    for (let number = 0; ; number++)
      if (partitions.locate(`c${number}`).shard === shard) return `c${number}`;
  }

  const insert = (shard: 's1' | 's2', id: string): Promise<unknown> =>
    partitions.run(customers[shard], () => orders.insert({ id, customerId: customers[shard] }));
  const count = (shard: 's1' | 's2'): Promise<number> =>
    partitions.run(customers[shard], () => orders.count());

  async function timed(call: () => Promise<unknown>): Promise<number> {
    const start = performance.now();
    await call();
    return performance.now() - start;
  }

  /** Calls the second shard until it answers: recovery is on demand. */
  async function recovered(): Promise<void> {
    for (;;) {
      const answer = await count('s2').catch((error: unknown) => error);
      if (typeof answer === 'number') return;
      expect(answer).toEqual(unavailable);
      await nextTurn();
    }
  }

  /** Calls the second shard until it is known to be down: refused before the work ran. */
  async function noticed(): Promise<void> {
    for (;;) {
      const error: unknown = await count('s2').catch((reason: unknown) => reason);
      if ((error as { executed?: string }).executed === 'no') return;
      expect(error).toEqual(unavailable);
    }
  }

  /** Many calls to both shards while the second is dead. */
  async function judge(): Promise<void> {
    const dead = Promise.all(
      Array.from({ length: 30 }, () =>
        timed(() => expect(count('s2')).rejects.toEqual(unavailable)),
      ),
    );
    const alive: number[] = [];
    for (let number = 0; number < 30; number++)
      alive.push(await timed(() => insert('s1', `alive-${number}`)));
    expect(Math.max(...(await dead))).toBeLessThan(NOTICED_WITHIN_MS);
    // A median: single calls may be slow on a busy machine.
    expect(alive.sort((a, b) => a - b)[15]).toBeLessThan(CONNECT_TIMEOUT_MS / 2);
    await noticed();
    // Now everybody is sent away at once.
    const times = await Promise.all(Array.from({ length: 100 }, () => timed(() => noticed())));
    expect(times.sort((a, b) => a - b)[50]).toBeLessThan(CONNECT_TIMEOUT_MS / 2);
    expect(await sql(database.url, 'SELECT * FROM orders')).toHaveLength(30);
  }

  it('killed and restarted: the other shard does not notice, the dead one fails fast and comes back', async () => {
    await insert('s2', 'before');
    await server.kill();
    await judge();
    await server.restart();
    await recovered();
    await insert('s2', 'after');
    expect(await sql(server.url, 'SELECT id FROM orders ORDER BY id')).toEqual([
      { id: 'after' },
      { id: 'before' },
    ]);
  });

  it('frozen, with connections open: noticed by silence (mutation: no deadline, calls hang)', async () => {
    await Promise.all(['a', 'b', 'c'].map((id) => insert('s2', id)));
    await server.freeze();
    try {
      await judge();
    } finally {
      await server.thaw();
    }
    await recovered();
    expect(await count('s2')).toBe(3);
  });

  it('behind a network that swallows packets: noticed by silence, and recovered when it heals', async () => {
    await insert('s2', 'before');
    proxy.blackhole('both');
    await judge();
    await proxy.heal();
    await recovered();
    expect(await count('s2')).toBe(1);
  });

  it('calls that wait in a full pool are sent away too (mutation: each waits for its own turn to fail)', async () => {
    const held = Promise.allSettled(
      Array.from({ length: 3 }, () =>
        partitions.run(customers.s2, () => orders.query('SELECT pg_sleep(60)')),
      ),
    );
    proxy.blackhole('both');
    const waited = await Promise.all(
      Array.from({ length: 40 }, () =>
        timed(() => expect(count('s2')).rejects.toEqual(unavailable)),
      ),
    );
    expect(Math.max(...waited)).toBeLessThan(NOTICED_WITHIN_MS);
    expect(await held).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: unavailable })),
    );
    await proxy.heal();
  });

  it('unreachable at boot: the application starts, and the shard joins when it comes', async () => {
    await app.close();
    await server.kill();
    use(await start(server.url));
    await insert('s1', 'alone');
    await noticed();
    await server.restart();
    await recovered();
    await insert('s2', 'joined');
    expect(await sql(server.url, 'SELECT _slot FROM orders')).toEqual([
      { _slot: partitions.slotOf(customers.s2) },
    ]);
  });

  it('runOnAll: the dead shard has its own result (mutation: Promise.all)', async () => {
    await server.kill();
    const results = await partitions.runOnAll(async ({ shard }) => [shard, await orders.count()]);
    expect(results).toEqual([
      { shard: 's1', status: 'fulfilled', value: ['s1', 0] },
      { shard: 's2', status: 'rejected', reason: unavailable },
    ]);
  });

  it('a slow statement on a live shard is not an outage (mutation: silence alone is death)', async () => {
    const slow = partitions.run(customers.s2, () =>
      orders.query(`SELECT pg_sleep(${(3 * CONNECT_TIMEOUT_MS) / 1_000}), 'done' AS state`),
    );
    const quick = await count('s2');
    expect(quick).toBe(0);
    expect(await slow).toMatchObject([{ state: 'done' }]);
  });

  it('queryTimeout ends a statement without taking the shard down', async () => {
    await app.close();
    use(await start(server.url, { queryTimeout: 3 * CONNECT_TIMEOUT_MS }));
    const slow = partitions.run(customers.s2, () => orders.query('SELECT pg_sleep(60)'));
    await expect(slow).rejects.toMatchObject({
      code: 'E_PARTITION_SHARD_UNAVAILABLE',
      reason: 'silent',
      executed: 'unknown',
      retryable: true,
    });
    expect(await count('s2')).toBe(0);
  });

  it('one ended session fails its statement only, as unknown (mutation: the dying connection goes back to the pool)', async () => {
    await app.close();
    // Nothing is refused here because the machine is busy.
    use(await start(server.url, { connectTimeout: 10_000 }));
    const slow = partitions.run(customers.s2, () => orders.query('SELECT pg_sleep(60)'));
    // The next call comes at once, before the end of the connection has arrived.
    const failure = slow.catch(async (error: unknown) => {
      expect(await count('s2')).toBe(0);
      return error;
    });
    while (
      (
        await sql(
          server.url,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'`,
        )
      ).length === 0
    )
      await nextTurn();
    expect(await failure).toMatchObject({
      code: 'E_PARTITION_SHARD_UNAVAILABLE',
      reason: 'lost',
      executed: 'unknown',
    });
    expect(await count('s2')).toBe(0);
  });

  it("an SQL error arrives as TypeORM's own", async () => {
    await insert('s2', 'a');
    await expect(insert('s2', 'a')).rejects.toMatchObject({
      code: '23505',
      name: 'QueryFailedError',
    });
  });

  it('closes within its deadline when the server is frozen (mutation: wait for a goodbye)', async () => {
    await app.close();
    use(await start(server.url));
    await insert('s2', 'a');
    await server.freeze();
    try {
      expect(await timed(() => app.close())).toBeLessThan(NOTICED_WITHIN_MS);
    } finally {
      await server.thaw();
    }
  });
});
