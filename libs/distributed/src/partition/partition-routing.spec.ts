/** Routing on two real databases: judged by what lies in each of them. */
import { type INestApplicationContext, Inject, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource, Repository } from 'typeorm';
import {
  Order,
  ORDERS_TABLE,
  partitionApp,
  sql,
} from '../../../../test/support/partition.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import {
  InjectPartitionRepository,
  Partitioned,
  PartitionKey,
  PartitionService,
  partitionRepositoryToken,
} from './index.js';

@Injectable()
class Orders {
  constructor(
    @InjectPartitionRepository(Order) readonly orders: Repository<Order>,
    @Inject(PartitionService) readonly partitions: PartitionService,
  ) {}

  @Partitioned()
  async create(id: string, @PartitionKey() customerId: string): Promise<string | undefined> {
    await this.orders.save({ id, customerId });
    return this.partitions.current()?.shard;
  }

  @Partitioned()
  async list(@PartitionKey('customer.id') query: { customer: { id: string } }): Promise<Order[]> {
    return this.orders.findBy({ customerId: query.customer.id });
  }

  @Partitioned({ key: (_id: string, customerId: number) => customerId })
  async byFunction(_id: string, _customerId: number): Promise<number | undefined> {
    return this.partitions.current()?.slot;
  }

  @Partitioned({ key: 'customerId' })
  async byPath(_payload: { customerId?: unknown }): Promise<number | undefined> {
    return this.partitions.current()?.slot;
  }
}

describe('routing', () => {
  let databases: TestDatabase[];
  let app: INestApplicationContext;
  let partitions: PartitionService;
  let repository: Repository<Order>;
  let service: Orders;

  beforeAll(async () => {
    databases = await Promise.all([createDatabase(), createDatabase()]);
    await Promise.all(databases.map(({ url }) => sql(url, ORDERS_TABLE)));
    app = await partitionApp(
      {
        shards: databases.map(({ url }, index) => ({ id: `s${index + 1}`, url })),
        entities: [Order],
      },
      [Orders],
    );
    partitions = app.get(PartitionService);
    repository = app.get<Repository<Order>>(partitionRepositoryToken(Order));
    service = app.get(Orders);
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

  it('locates as the contract says: two halves of CRC16 slots', () => {
    expect(partitions.locate('123456789')).toEqual({ slot: 12_739, shard: 's2' });
    expect(partitions.locate(42)).toEqual({ slot: 8_000, shard: 's1' });
    expect(partitions.slotOf(['a', 'b:c'])).toBe(5_274);
  });

  it('every row lies on the shard of its key and carries its slot (mutation: modulo of another hash)', async () => {
    for (let number = 0; number < 40; number++)
      await service.create(`o${number}`, `customer-${number}`);
    const [s1, s2] = await Promise.all([rowsOf('s1'), rowsOf('s2')]);
    expect(s1.length + s2.length).toBe(40);
    expect(Math.min(s1.length, s2.length)).toBeGreaterThan(5);
    for (const row of s1)
      expect({ slot: row._slot, shard: 's1' }).toEqual(partitions.locate(row.customer_id));
    for (const row of s2)
      expect({ slot: row._slot, shard: 's2' }).toEqual(partitions.locate(row.customer_id));
  });

  it('reads go where writes went', async () => {
    const customerId = customerOn('s2');
    await service.create('o1', customerId);
    await expect(service.list({ customer: { id: customerId } })).resolves.toMatchObject([
      { id: 'o1', customerId, _slot: partitions.slotOf(customerId) },
    ]);
  });

  it('takes the key from a function or from a path in the first argument', async () => {
    await expect(service.byFunction('x', 42)).resolves.toBe(8_000);
    await expect(service.byPath({ customerId: '42' })).resolves.toBe(8_000);
    await expect(service.byPath({ customerId: 42n })).resolves.toBe(8_000);
  });

  it('an unusable key is refused before the method runs', async () => {
    for (const customerId of [undefined, null, '', 4.2, {}])
      await expect(service.byPath({ customerId })).rejects.toMatchObject({
        code: 'E_PARTITION_KEY',
        message: expect.stringContaining("Orders.byPath(), key: 'customerId'"),
      });
  });

  it('key 0 works (a falsy shard id was refused elsewhere)', async () => {
    await expect(service.byPath({ customerId: 0 })).resolves.toBe(13_907);
  });

  it("the method's own error arrives as the same object", async () => {
    const mine = new Error('mine');
    await expect(partitions.run('a', () => Promise.reject(mine))).rejects.toBe(mine);
    await expect(
      partitions.run('a', () => {
        throw mine;
      }),
    ).rejects.toBe(mine);
  });

  describe('whole shards', () => {
    it('runOnShard and runOnSlot reach what they name, and refuse what they do not know', async () => {
      await partitions.runOnShard('s2', async ({ shard, slot, dataSource }) => {
        expect({ shard, slot }).toEqual({ shard: 's2', slot: undefined });
        expect(dataSource).toBe(partitions.dataSources().get('s2'));
        for (const nth of [0, 1, 2])
          await repository.insert({ id: `o${nth}`, customerId: customerOn('s2', nth) });
        await expect(
          repository.insert({ id: 'wrong', customerId: customerOn('s1') }),
        ).rejects.toMatchObject({ code: 'E_PARTITION_WRONG_SLOT' });
      });
      expect(await rowsOf('s2')).toHaveLength(3);
      await expect(partitions.runOnSlot(8_192, async ({ shard }) => shard)).resolves.toBe('s2');
      await expect(partitions.runOnSlot(16_384, async () => 1)).rejects.toMatchObject({
        code: 'E_PARTITION_SLOT',
      });
      await expect(partitions.runOnShard('s9', async () => 1)).rejects.toMatchObject({
        code: 'E_PARTITION_SHARD_UNKNOWN',
      });
    });

    it('runOnAll gives one result per shard, in order, at once or one after the other', async () => {
      for (const sequential of [false, true]) {
        let running = 0;
        let most = 0;
        const results = await partitions.runOnAll(
          async ({ shard, dataSource }) => {
            most = Math.max(most, ++running);
            await (dataSource as DataSource).query('SELECT 1');
            running--;
            if (shard === 's2') throw new Error('no');
            return shard;
          },
          { sequential },
        );
        expect(results).toEqual([
          { shard: 's1', status: 'fulfilled', value: 's1' },
          { shard: 's2', status: 'rejected', reason: new Error('no') },
        ]);
        expect(most).toBe(sequential ? 1 : 2);
      }
    });
  });

  it('newId carries the slot of the key or of the partition, so a row is found without its key', async () => {
    const customerId = customerOn('s2');
    const id = partitions.newId(customerId);
    await service.create(id, customerId);
    const slot = partitions.slotFromId(id);
    await expect(
      partitions.runOnSlot(slot, async () => repository.findOneBy({ id })),
    ).resolves.toMatchObject({ customerId });
    const inside = await partitions.run(customerId, async () => partitions.newId());
    expect(partitions.slotFromId(inside)).toBe(slot);
    expect(() => partitions.newId()).toThrow(
      expect.objectContaining({ code: 'E_PARTITION_NO_CONTEXT' }),
    );
    await expect(partitions.runOnShard('s1', async () => partitions.newId())).rejects.toMatchObject(
      { code: 'E_PARTITION_SLOT' },
    );
  });
});
