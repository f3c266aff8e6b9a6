/** What is found at boot: decorators, entities, modules. And what the outside is told at run time. */
import { Injectable, Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Column, Entity, ManyToOne, PrimaryColumn, Repository } from 'typeorm';
import {
  Order,
  ORDERS_TABLE,
  partitionApp,
  sql,
} from '../../../../test/support/partition.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import {
  type EntityClass,
  InjectPartitionRepository,
  PARTITION_CHANNELS,
  Partitioned,
  PartitionedEntity,
  PartitionKey,
  PartitionModule,
  PartitionService,
  PartitionSlot,
} from './index.js';

describe('partition boot', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
    await sql(database.url, ORDERS_TABLE);
  });

  afterAll(() => database?.drop());

  const boot = (
    providers: Parameters<typeof partitionApp>[1] = [],
    entities: readonly EntityClass[] = [Order],
    url = database.url,
  ): ReturnType<typeof partitionApp> =>
    partitionApp({ shards: [{ id: 's1', url }], entities, connectTimeout: '5s' }, providers);

  describe('keys', () => {
    it('none is a boot error that names the method', async () => {
      @Injectable()
      class Orders {
        @Partitioned()
        async list(_customerId: string): Promise<void> {}
      }
      await expect(boot([Orders])).rejects.toMatchObject({
        code: 'E_PARTITION_KEY_SOURCE',
        message: expect.stringMatching(/Orders\.list\(\): it has no partition key/),
      });
    });

    it('two are a boot error that lists them', async () => {
      @Injectable()
      class Orders {
        @Partitioned({ key: 'customerId' })
        async list(@PartitionKey('a.b') _query: object): Promise<void> {}
      }
      await expect(boot([Orders])).rejects.toMatchObject({
        code: 'E_PARTITION_KEY_SOURCE',
        message: expect.stringContaining(
          "more than one partition key (key: 'customerId', @PartitionKey('a.b') on parameter 0)",
        ),
      });
    });

    it('an override has its own marks, and a base method keeps its own (mutation: inherited metadata)', async () => {
      const seen: unknown[] = [];
      @Injectable()
      class Base {
        constructor(readonly partitions: PartitionService) {}

        @Partitioned()
        async list(@PartitionKey() _a: string, _b: string): Promise<void> {
          seen.push(this.partitions.current()?.slot);
        }
      }
      @Injectable()
      class Orders extends Base {
        @Partitioned()
        override async list(_a: string, @PartitionKey() b: string): Promise<void> {
          seen.push(this.partitions.current()?.slot);
          await super.list(b, _a);
        }
      }
      // Without constructor metadata of its own the subclass takes that of the base.
      const app = await boot([Orders]);
      try {
        await app.get(Orders).list('foo', 'bar');
        expect(seen).toEqual([5_061, 5_061]);
      } finally {
        await app.close();
      }
    });

    it('a constructor parameter and an unknown option are refused where they stand', () => {
      expect(() => PartitionKey()(class Orders {}, undefined, 0)).toThrow(
        expect.objectContaining({ code: 'E_PARTITION_KEY_SOURCE' }),
      );
      expect(() => {
        class Orders {
          @Partitioned({ replica: true } as never)
          async list(): Promise<void> {}
        }
        return Orders;
      }).toThrow(/@Partitioned\(\) on Orders\.list\(\).*unknown option 'replica'/);
    });
  });

  describe('entities', () => {
    it('without a slot column', async () => {
      @Entity()
      @PartitionedEntity({ key: 'id' })
      class Bare {
        @PrimaryColumn('text')
        id: string;
      }
      await expect(boot([], [Bare])).rejects.toMatchObject({
        code: 'E_PARTITION_ENTITY',
        message: expect.stringContaining('Bare: has no slot column'),
      });
    });

    it('not partitioned at all, but asked for as a partitioned repository', async () => {
      @Entity()
      class Country {
        @PrimaryColumn('text')
        id: string;
      }
      await expect(boot([], [Country])).rejects.toMatchObject({
        code: 'E_PARTITION_ENTITY',
        message: expect.stringContaining('Country: is not partitioned'),
      });
    });

    it('with a key that is no column', async () => {
      @Entity()
      @PartitionedEntity({ key: 'customer' })
      class Misspelt {
        @PrimaryColumn('text')
        id: string;

        @PartitionSlot()
        _slot: number;
      }
      await expect(boot([], [Misspelt])).rejects.toMatchObject({
        code: 'E_PARTITION_ENTITY',
        message: expect.stringContaining("its key 'customer' is not a column"),
      });
    });

    it('with a relation into another colocation group', async () => {
      @Entity()
      @PartitionedEntity({ group: 'catalogue', key: 'sku' })
      class Product {
        @PrimaryColumn('text')
        sku: string;

        @PartitionSlot()
        _slot: number;
      }
      @Entity()
      @PartitionedEntity({ group: 'customers', key: 'customerId' })
      class Wish {
        @PrimaryColumn('text')
        id: string;

        @Column('text')
        customerId: string;

        @ManyToOne(() => Product)
        product: Product;

        @PartitionSlot()
        _slot: number;
      }
      await expect(boot([], [Wish, Product])).rejects.toMatchObject({
        code: 'E_PARTITION_ENTITY',
        message: expect.stringMatching(/Wish: its relation 'product' leads to Product/),
      });
    });

    it('with two slot columns, or options that cannot work', () => {
      expect(() => {
        class Twice {
          @PartitionSlot()
          a: number;

          @PartitionSlot()
          b: number;
        }
        return Twice;
      }).toThrow(expect.objectContaining({ code: 'E_PARTITION_ENTITY' }));
      for (const options of [{ key: [] }, { key: 'a..b' }, { key: 'a', shard: 1 }, {}])
        expect(() => PartitionedEntity(options as never)(class Any {})).toThrow(
          expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
        );
    });
  });

  describe('modules', () => {
    it('a repository nobody provides is a boot error that says where to name the entity', async () => {
      @Injectable()
      class Visits {
        constructor(@InjectPartitionRepository(class Visit {}) readonly visits: unknown) {}
      }
      await expect(boot([Visits])).rejects.toThrow(/PartitionRepository\(Visit\): name the entity/);
    });

    it('forFeature() provides repositories to the importing module', async () => {
      @Injectable()
      class Orders {
        constructor(
          @InjectPartitionRepository(Order) readonly orders: Repository<Order>,
          readonly partitions: PartitionService,
        ) {}
      }
      @Module({ imports: [PartitionModule.forFeature([Order])], providers: [Orders] })
      class OrdersModule {}
      const app = await partitionApp(
        { shards: [{ id: 's1', url: database.url }], entities: [Order] },
        [],
        [OrdersModule],
      );
      try {
        const { orders, partitions } = app.get(Orders, { strict: false });
        await expect(partitions.run('a', () => orders.count())).resolves.toBe(0);
      } finally {
        await app.close();
      }
    });

    it('wrong options fail the boot with their path', async () => {
      await expect(partitionApp({ shards: [] })).rejects.toMatchObject({
        code: 'E_OPTIONS_INVALID',
        message: expect.stringContaining('DistributedModule.forRoot().partition.shards'),
      });
    });

    it('a database that does not exist (yet) does not', async () => {
      const app = await boot([], [Order], `${database.url}_missing`);
      try {
        await expect(app.get(PartitionService).run('a', async () => 'ran')).rejects.toMatchObject({
          code: 'E_PARTITION_SHARD_UNAVAILABLE',
          executed: 'no',
          retryable: true,
          cause: expect.objectContaining({ code: '3D000' }),
        });
      } finally {
        await app.close();
      }
    });
  });

  it('tells its channels what entered a partition, and nothing about keys', async () => {
    const events: unknown[] = [];
    const note = (event: unknown): unknown => events.push(event);
    const app = await boot();
    subscribe(PARTITION_CHANNELS.call, note);
    try {
      const partitions = app.get(PartitionService);
      await partitions.run('foo', async () => partitions.run('foo', async () => 'joined'));
      await partitions.runOnShard('s1', () => Promise.reject(new Error('no'))).catch(() => null);
      expect(events).toEqual([
        { shard: 's1', slot: 12_182, outcome: 'ok', durationMs: expect.any(Number) },
        { shard: 's1', slot: undefined, outcome: 'error', durationMs: expect.any(Number) },
      ]);
    } finally {
      unsubscribe(PARTITION_CHANNELS.call, note);
      await app.close();
    }
  });
});
