/** The partitioned repository: follows the partition in every method, and is nothing without one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Repository } from 'typeorm';
import { LoggedShards } from '../../../../test/support/partition-logged.fixture.js';
import { Order } from '../../../../test/support/partition.fixture.js';
import type { PartitionService } from './index.js';

describe('partitioned repository', () => {
  let shards: LoggedShards;
  let partitions: PartitionService;
  let orders: Repository<Order>;

  beforeAll(async () => {
    shards = await LoggedShards.start();
    partitions = shards.partitions;
    orders = shards.repository(Order);
  });

  afterAll(() => shards?.stop());

  beforeEach(() => shards.reset());

  const noContext = expect.objectContaining({ code: 'E_PARTITION_NO_CONTEXT' });

  it('outside a partition every method rejects, and no SQL is sent (mutation: a default shard)', async () => {
    const calls: Record<string, () => unknown> = {
      save: () => orders.save({ id: 'o', customerId: 'c' }),
      insert: () => orders.insert({ id: 'o', customerId: 'c' }),
      upsert: () => orders.upsert({ id: 'o', customerId: 'c' }, ['id']),
      update: () => orders.update({ id: 'o' }, { quantity: 2 }),
      delete: () => orders.delete({ id: 'o' }),
      remove: () => orders.remove(new Order()),
      find: () => orders.find(),
      findBy: () => orders.findBy({ id: 'o' }),
      findOne: () => orders.findOne({ where: { id: 'o' } }),
      findOneBy: () => orders.findOneBy({ id: 'o' }),
      findOneOrFail: () => orders.findOneOrFail({ where: { id: 'o' } }),
      findAndCount: () => orders.findAndCount(),
      count: () => orders.count(),
      countBy: () => orders.countBy({ id: 'o' }),
      sum: () => orders.sum('quantity'),
      maximum: () => orders.maximum('quantity'),
      exists: () => orders.exists(),
      increment: () => orders.increment({ id: 'o' }, 'quantity', 1),
      clear: () => orders.clear(),
      preload: () => orders.preload({ id: 'o' }),
      query: () => orders.query('SELECT 1'),
    };
    for (const [name, call] of Object.entries(calls)) {
      const result = call();
      expect([name, result instanceof Promise]).toEqual([name, true]);
      await expect(result).rejects.toEqual(noContext);
    }
    for (const call of [
      () => orders.manager,
      () => orders.metadata,
      () => orders.create(),
      () => orders.createQueryBuilder('o'),
    ])
      expect(call).toThrow(noContext);
    expect(shards.statements).toEqual([]);
  });

  it('inside a partition every way of writing and reading reaches its shard', async () => {
    const customerId = shards.customerOn('s2');
    const slot = partitions.slotOf(customerId);
    await partitions.run(customerId, async () => {
      await orders.save(orders.create({ id: 'a', customerId, quantity: 2 }));
      await orders.save([
        { id: 'b', customerId },
        { id: 'c', customerId },
      ]);
      await orders.insert([{ id: 'd', customerId }]);
      await orders.upsert({ id: 'd', customerId, quantity: 9 }, ['id']);
      await orders.update({ id: 'a' }, { quantity: 3 });
      await orders.increment({ id: 'a' }, 'quantity', 4);
      await orders.createQueryBuilder().insert().values({ id: 'e', customerId }).execute();
      await orders.manager.save(Order, { id: 'f', customerId });
      await orders.delete({ id: 'b' });
      expect(await orders.findOneByOrFail({ id: 'a' })).toMatchObject({ quantity: 7, _slot: slot });
      expect(
        await orders.createQueryBuilder('o').where('o.id = :id', { id: 'd' }).getOne(),
      ).toEqual(expect.objectContaining({ quantity: 9, customerId }));
      expect(await orders.query('SELECT count(*)::int FROM orders')).toEqual([{ count: 5 }]);
      expect(await orders.sum('quantity')).toBe(7 + 1 + 9 + 1 + 1);
      expect(orders.metadata.tableName).toBe('orders');
      expect(orders.target).toBe(Order);
    });
    expect(orders).toBeInstanceOf(Repository);
    expect(shards.statements.length).toBeGreaterThan(10);
    expect(await shards.rowsOf('s1')).toEqual([]);
    expect((await shards.rowsOf('s2')).map((row) => [row.id, row._slot])).toEqual(
      ['a', 'c', 'd', 'e', 'f'].map((id) => [id, slot]),
    );
  });

  it('a partial update needs no key and keeps the slot', async () => {
    const customerId = shards.customerOn('s1');
    await partitions.run(customerId, async () => {
      await orders.insert({ id: 'a', customerId });
      await orders.save({ id: 'a', quantity: 5 });
      const loaded = await orders.findOneByOrFail({ id: 'a' });
      loaded.quantity += 1;
      await orders.save(loaded);
    });
    expect(await shards.rowsOf('s1')).toMatchObject([
      { id: 'a', quantity: 6, _slot: partitions.slotOf(customerId) },
    ]);
  });

  it('extend() keeps following the partition (mutation: TypeORM captures one manager for ever)', async () => {
    const custom = await partitions.run(shards.customerOn('s1'), async () =>
      orders.extend({
        byCustomer(this: Repository<Order>, customerId: string) {
          return this.findBy({ customerId });
        },
      }),
    );
    const customerId = shards.customerOn('s2');
    await partitions.run(customerId, async () => {
      await custom.insert({ id: 'a', customerId });
      expect(await custom.byCustomer(customerId)).toHaveLength(1);
    });
    expect(await shards.rowsOf('s2')).toHaveLength(1);
    await expect(custom.byCustomer(customerId)).rejects.toEqual(noContext);
  });

  it('another shard is refused inside a transaction, before anything runs (mutation: switch silently, half commits)', async () => {
    const [here, neighbour, there] = [
      shards.customerOn('s1'),
      shards.customerOn('s1', 1),
      shards.customerOn('s2'),
    ];
    const crossing = expect.objectContaining({ code: 'E_PARTITION_CROSS_SHARD' });
    let ran = 0;
    await partitions.run(here, async () => {
      await shards.inTransaction('s1', async () => {
        for (const call of [
          () => partitions.run(there, async () => ran++),
          () => partitions.runOnShard('s2', async () => ran++),
          () => partitions.runOnAll(async () => ran++),
        ])
          await expect(call()).rejects.toEqual(crossing);
        expect(ran).toBe(0);
        await partitions.run(here, async () => ran++);
        await partitions.run(neighbour, async () => ran++);
      });
      // The transaction is over: free again.
      await partitions.run(there, async () => ran++);
    });
    expect(ran).toBe(3);
    expect(shards.statements).toEqual([]);
  });

  it('gives a DataSource of the user back as it was', async () => {
    const before = shards.dataSources[0]!.subscribers.length;
    const second = await shards.startApp();
    expect(shards.dataSources[0]!.subscribers).toHaveLength(before + 1);
    await second.close();
    expect(shards.dataSources[0]!.subscribers).toHaveLength(before);
    expect(shards.dataSources[0]!.isInitialized).toBe(true);
  });
});
