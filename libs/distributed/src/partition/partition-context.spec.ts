/** The async context of a partition: kept, restored, never shared. Judged from the databases. */
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Repository } from 'typeorm';
import {
  Order,
  ORDERS_TABLE,
  partitionApp,
  sql,
} from '../../../../test/support/partition.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import { PartitionService, partitionRepositoryToken } from './index.js';

describe('partition context', () => {
  let databases: TestDatabase[];
  let app: INestApplicationContext;
  let partitions: PartitionService;
  let repository: Repository<Order>;

  const start = (urls: readonly string[]): Promise<INestApplicationContext> =>
    partitionApp({
      shards: urls.map((url, index) => ({ id: `s${index + 1}`, url })),
      entities: [Order],
      // A thousand calls wait for five connections, on a machine that may be busy.
      poolTimeout: '25s',
      connectTimeout: '10s',
    });

  beforeAll(async () => {
    databases = await Promise.all([createDatabase(), createDatabase()]);
    await Promise.all(databases.map(({ url }) => sql(url, ORDERS_TABLE)));
    app = await start(databases.map(({ url }) => url));
    partitions = app.get(PartitionService);
    repository = app.get<Repository<Order>>(partitionRepositoryToken(Order));
  });

  afterAll(async () => {
    await app?.close();
    await Promise.all(databases?.map((database) => database.drop()) ?? []);
  });

  beforeEach(async () => {
    await Promise.all(databases.map(({ url }) => sql(url, 'TRUNCATE orders')));
  });

  const rowsOf = (shard: string): Promise<{ id: string; customer_id: string; _slot: number }[]> =>
    sql(databases[shard === 's1' ? 0 : 1]!.url, 'SELECT * FROM orders ORDER BY id');

  /** A customer that lies on the shard. */
  function customerOn(shard: string, nth = 0): string {
    let found = 0;
    for (let number = 0; ; number++)
      if (partitions.locate(`c${number}`).shard === shard && found++ === nth) return `c${number}`;
  }

  it('1000 concurrent calls never cross (mutation: current shard in a field)', async () => {
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, number) => {
        const customerId = `customer-${number}`;
        await partitions.run(customerId, async () => {
          for (let turn = number % 4; turn > 0; turn--) await nextTurn();
          await repository.insert({ id: `o${number}`, customerId });
          await nextTurn();
          expect(partitions.current()).toMatchObject(partitions.locate(customerId));
          expect(await repository.countBy({ id: `o${number}`, customerId })).toBe(1);
        });
      }),
    );
    const all = await Promise.all(['s1', 's2'].map(rowsOf));
    expect(all[0]!.length + all[1]!.length).toBe(1_000);
    for (const [index, rows] of all.entries())
      for (const row of rows)
        expect(partitions.locate(row.customer_id)).toEqual({
          slot: row._slot,
          shard: `s${index + 1}`,
        });
  });

  it('is kept across timers, event emitters, and cold and busy pools', async () => {
    const emitter = new EventEmitter().setMaxListeners(100);
    await Promise.all(
      // More calls than connections: most wait in the pool and are served by another's release.
      Array.from({ length: 40 }, (_, number) =>
        partitions.run(`k${number}`, async ({ slot }) => {
          const seen: (number | undefined)[] = [];
          const note = (): unknown => seen.push(partitions.current()?.slot);
          await repository.query('SELECT pg_sleep(0.005)');
          note();
          await new Promise<void>((resolve) =>
            setTimeout(() => {
              note();
              resolve();
            }, 1),
          );
          emitter.once(`own-${number}`, note);
          emitter.emit(`own-${number}`);
          const foreign = once(emitter, `foreign-${number}`);
          setImmediate(() => emitter.emit(`foreign-${number}`));
          await foreign;
          note();
          await repository.manager.transaction(async (manager) => {
            await manager.query('SELECT 1');
            note();
          });
          process.nextTick(note);
          await nextTurn();
          expect(seen).toEqual(Array.from({ length: 6 }, () => slot));
        }),
      ),
    );
  });

  it('the same slot joins; another slot and another shard get a context of their own (mutation: enterWith)', async () => {
    const [here, neighbour, there] = [customerOn('s1'), customerOn('s1', 1), customerOn('s2')];
    await partitions.run(here, async (outer) => {
      await partitions.run(here, async (inner) => expect(inner).toBe(outer));
      await partitions.run(neighbour, async (inner) => {
        expect(inner.shard).toBe('s1');
        expect(inner.slot).toBe(partitions.slotOf(neighbour));
      });
      await partitions.run(there, async () => repository.insert({ id: 'o1', customerId: there }));
      expect(partitions.current()).toBe(outer);
    });
    expect(await rowsOf('s2')).toHaveLength(1);
  });

  it('an exception in nested work restores the context (mutation: a stack popped by hand)', async () => {
    const [here, there] = [customerOn('s1'), customerOn('s2')];
    await partitions.run(here, async (outer) => {
      await expect(
        partitions.run(there, async () => {
          await nextTurn();
          throw new Error('inner');
        }),
      ).rejects.toThrow('inner');
      expect(partitions.current()).toBe(outer);
      await repository.insert({ id: 'after', customerId: here });
    });
    expect(partitions.current()).toBeUndefined();
    expect(await rowsOf('s1')).toMatchObject([{ id: 'after' }]);
  });

  it('cannot be changed by who receives it', async () => {
    await partitions.run('a', async (partition) => {
      expect(() => Object.assign(partition, { shard: 'other' })).toThrow(TypeError);
    });
  });

  it('two applications in one process keep to their own shards (mutation: a scope or a registry per process)', async () => {
    // The other application has the same entity, and the databases the other way round.
    const other = await start(databases.map(({ url }) => url).reverse());
    try {
      const theirs = other.get<Repository<Order>>(partitionRepositoryToken(Order));
      const customerId = customerOn('s1');
      await Promise.all([
        partitions.run(customerId, () => repository.insert({ id: 'mine', customerId })),
        other
          .get(PartitionService)
          .run(customerId, () => theirs.insert({ id: 'theirs', customerId })),
      ]);
      await partitions.run(customerId, async () => {
        expect(other.get(PartitionService).current()).toBeUndefined();
        await expect(theirs.find()).rejects.toMatchObject({ code: 'E_PARTITION_NO_CONTEXT' });
      });
      expect(await rowsOf('s1')).toMatchObject([{ id: 'mine' }]);
      expect(await rowsOf('s2')).toMatchObject([{ id: 'theirs' }]);
    } finally {
      await other.close();
    }
    await partitions.run('a', () => repository.find());
  });
});
