/**
 * Two shards on DataSources of the user, whose logger sees every statement: for tests that count SQL.
 */
import type { INestApplicationContext } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Column,
  DataSource,
  Entity,
  type Logger,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  type Repository,
} from 'typeorm';
import {
  type EntityClass,
  PartitionedEntity,
  partitionRepositoryToken,
  PartitionService,
  PartitionSlot,
} from '../../libs/distributed/src/partition/index.js';
import { Order, ORDERS_TABLE, partitionApp, sql } from './partition.fixture.js';
import { createDatabase, type TestDatabase } from './postgres.fixture.js';

class Owner {
  @Column('int')
  id: number;
}

@Entity('carts')
@PartitionedEntity({ key: 'owner.id' })
/** Key in an embedded object; cascades to its lines. */
export class Cart {
  @PrimaryColumn('text')
  id: string;

  @Column(() => Owner)
  owner: Owner;

  @OneToMany('CartLine', 'cart', { cascade: true })
  lines: CartLine[];

  @PartitionSlot()
  _slot: number;
}

@Entity('cart_lines')
@PartitionedEntity({ key: 'ownerId' })
/** Same group as `Cart`. */
export class CartLine {
  @PrimaryColumn('text')
  id: string;

  @Column('int')
  ownerId: number;

  @ManyToOne(() => Cart, (cart) => cart.lines)
  cart: Cart;

  @PartitionSlot()
  _slot: number;
}

@Entity('visits')
@PartitionedEntity({ key: ['tenant', 'day'] })
/** Composite key, and a slot property of another name. */
export class Visit {
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  tenant: string;

  @Column('int')
  day: number;

  @PartitionSlot()
  slotNumber: number;
}

export const OTHER_TABLES = `
  CREATE TABLE carts (id text PRIMARY KEY, "ownerId" int NOT NULL, _slot int NOT NULL);
  CREATE TABLE cart_lines (id text PRIMARY KEY, "ownerId" int NOT NULL, "cartId" text, _slot int NOT NULL);
  CREATE TABLE visits (id text PRIMARY KEY, tenant text, day int, _slot int NOT NULL)`;

const ENTITIES = [Order, Cart, CartLine, Visit];

/** An application on two shards, and everything a test wants to know about it. */
export class LoggedShards {
  /** Statements sent since the last `reset()`. */
  readonly statements: string[] = [];
  readonly dataSources: DataSource[] = [];
  readonly #databases: TestDatabase[] = [];
  readonly #transaction = new AsyncLocalStorage<string>();
  app: INestApplicationContext;
  partitions: PartitionService;

  static async start(): Promise<LoggedShards> {
    const shards = new LoggedShards();
    for (const id of ['s1', 's2']) await shards.#add(id);
    shards.app = await shards.startApp();
    shards.partitions = shards.app.get(PartitionService);
    return shards;
  }

  /** An application on these DataSources. */
  startApp(): Promise<INestApplicationContext> {
    return partitionApp({
      shards: this.dataSources.map((dataSource, index) => ({ id: `s${index + 1}`, dataSource })),
      entities: ENTITIES,
    });
  }

  /** The injected repository. */
  repository<T extends object>(entity: EntityClass & (new () => T)): Repository<T> {
    return this.app.get<Repository<T>>(partitionRepositoryToken(entity));
  }

  /** Empties tables and log. */
  async reset(): Promise<void> {
    for (const { url } of this.#databases)
      await sql(url, 'TRUNCATE orders, carts, cart_lines, visits');
    this.statements.length = 0;
  }

  /** What lies on a shard, read past the library. */
  rowsOf(shard: string, table = 'orders'): Promise<Record<string, unknown>[]> {
    return sql(this.#databases[shard === 's1' ? 0 : 1]!.url, `SELECT * FROM ${table} ORDER BY id`);
  }

  /** A customer that lies on the shard; each `nth` has a slot of its own. */
  customerOn(shard: string, nth = 0): string {
    let found = 0;
    for (let number = 0; ; number++)
      if (this.partitions.locate(`c${number}`).shard === shard && found++ === nth)
        return `c${number}`;
  }

  /** Runs `fn` as if a transaction were open on the shard. */
  inTransaction<T>(shard: string, fn: () => T): T {
    return this.#transaction.run(shard, fn);
  }

  async stop(): Promise<void> {
    await this.app?.close();
    for (const dataSource of this.dataSources) await dataSource.destroy();
    for (const database of this.#databases) await database.drop();
  }

  async #add(id: string): Promise<void> {
    const database = await createDatabase();
    this.#databases.push(database);
    await sql(database.url, ORDERS_TABLE);
    await sql(database.url, OTHER_TABLES);
    const logger = this.#logger();
    const dataSource = new DataSource({
      type: 'postgres',
      url: database.url,
      entities: ENTITIES,
      logger,
    });
    // What the transaction room does when it adopts a DataSource.
    Object.defineProperty(dataSource.manager, 'queryRunner', {
      get: () => (this.#transaction.getStore() === id ? {} : undefined),
    });
    this.dataSources.push(await dataSource.initialize());
  }

  #logger(): Logger {
    const ignore = (): undefined => undefined;
    return {
      logQuery: (text: string) => this.statements.push(text),
      logQueryError: ignore,
      logQuerySlow: ignore,
      logSchemaBuild: ignore,
      logMigration: ignore,
      log: ignore,
    } as unknown as Logger;
  }
}
