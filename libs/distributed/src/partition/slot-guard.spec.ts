/** Rows of another partition: refused, with how much SQL, and on which ways in. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Repository } from 'typeorm';
import { Cart, LoggedShards, Visit } from '../../../../test/support/partition-logged.fixture.js';
import { Order } from '../../../../test/support/partition.fixture.js';
import type { PartitionService } from './index.js';

describe('rows of another partition', () => {
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

  const wrongSlot = expect.objectContaining({ code: 'E_PARTITION_WRONG_SLOT' });

  it.each(['s1', 's2'])(
    'are refused before any SQL, also when they lie on the same shard (mutation: compare shards instead of slots) — %s',
    async (shard) => {
      const [here, there] = [shards.customerOn('s1'), shards.customerOn(shard, 1)];
      const row = { id: 'x', customerId: there };
      const stored = Object.assign(new Order(), row);
      await partitions.run(here, async () => {
        for (const call of [
          () => orders.save(row),
          () => orders.save([{ id: 'ok', customerId: here }, row]),
          () => orders.insert(row),
          () => orders.insert([row]),
          () => orders.upsert(row, ['id']),
          () => orders.update({ id: 'x' }, { customerId: there }),
          () => orders.remove(stored),
        ])
          await expect(call()).rejects.toEqual(wrongSlot);
        expect(shards.statements).toEqual([]);
      });
      expect(await shards.rowsOf('s1')).toEqual([]);
      expect(await shards.rowsOf('s2')).toEqual([]);
    },
  );

  it('a slot column that says otherwise, or a row without a key, is refused before any SQL', async () => {
    const customerId = shards.customerOn('s1');
    await partitions.run(customerId, async () => {
      const lying = { id: 'x', customerId, _slot: partitions.slotOf(customerId) + 1 };
      await expect(orders.insert(lying)).rejects.toEqual(wrongSlot);
      await expect(orders.insert({ id: 'x' })).rejects.toMatchObject({ code: 'E_PARTITION_KEY' });
    });
    expect(shards.statements).toEqual([]);
  });

  it('cannot get in through the manager, a query builder or a cascade (mutation: check only in the repository)', async () => {
    const carts = shards.repository(Cart);
    const owner = { id: 42 };
    const stranger = { id: 'x', customerId: shards.customerOn('s1', 1) };
    await partitions.run(shards.customerOn('s1'), async () => {
      await expect(orders.manager.save(Order, stranger)).rejects.toEqual(wrongSlot);
      await expect(orders.createQueryBuilder().insert().values(stranger).execute()).rejects.toEqual(
        wrongSlot,
      );
    });
    await partitions.run(42, async () => {
      await carts.save({ id: 'c1', owner, lines: [{ id: 'l1', ownerId: 42 }] });
      await expect(
        carts.save({ id: 'c2', owner, lines: [{ id: 'l2', ownerId: 43 }] }),
      ).rejects.toEqual(wrongSlot);
    });
    expect(await shards.rowsOf('s1')).toEqual([]);
    expect(await shards.rowsOf('s1', 'carts')).toEqual([{ id: 'c1', ownerId: 42, _slot: 8_000 }]);
    expect(await shards.rowsOf('s1', 'cart_lines')).toMatchObject([{ id: 'l1', _slot: 8_000 }]);
  });

  it('save() cannot take over a stored row of another customer with the same id (mutation: check the new values only)', async () => {
    const [victim, thief] = [shards.customerOn('s1'), shards.customerOn('s1', 1)];
    await partitions.run(victim, () => orders.insert({ id: 'a', customerId: victim }));
    await partitions.run(thief, async () => {
      await expect(orders.save({ id: 'a', customerId: thief })).rejects.toEqual(wrongSlot);
      await expect(orders.save({ id: 'a', quantity: 99 })).rejects.toEqual(wrongSlot);
    });
    expect(await shards.rowsOf('s1')).toMatchObject([
      { id: 'a', customer_id: victim, quantity: 1 },
    ]);
  });

  it('a composite key and a slot property of any name', async () => {
    const visits = shards.repository(Visit);
    const { shard, slot } = partitions.locate(['acme', 7]);
    await partitions.run(['acme', 7], async () => {
      await visits.insert({ id: 'v', tenant: 'acme', day: 7 });
      await expect(visits.insert({ id: 'w', tenant: 'acme7', day: 7 })).rejects.toEqual(wrongSlot);
    });
    expect(await shards.rowsOf(shard, 'visits')).toEqual([
      { id: 'v', tenant: 'acme', day: 7, _slot: slot },
    ]);
  });
});
