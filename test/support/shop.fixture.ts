/** The whole shop in one process, two replicas of each busy service, with servers of its own. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { DynamicModule, INestApplication, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ShopRedisServer } from '@shop/contracts';
import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { serveApiDocs } from '../../apps/gateway/src/api-docs.js';
import { GatewayModule } from '../../apps/gateway/src/gateway.module.js';
import { inventoryDataSource } from '../../apps/inventory/src/data-source.js';
import { InventoryModule } from '../../apps/inventory/src/inventory.module.js';
import { shardDataSource } from '../../apps/orders/src/data-source.js';
import { OrdersModule } from '../../apps/orders/src/orders.module.js';
import { paymentsDataSource } from '../../apps/payments/src/data-source.js';
import { PaymentsModule } from '../../apps/payments/src/payments.module.js';
import { createFaultProxy, type FaultProxy } from '../../libs/distributed/src/testing/index.js';
import { createDatabase, type TestDatabase } from './postgres.fixture.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

const DATABASES = ['inventory', 'payments', 's1', 's2'] as const;

/** The shop's databases; `s1` and `s2` are the shards of the orders. */
export type ShopDatabase = (typeof DATABASES)[number];

/** Gateway, orders ×2, inventory ×2, payments and a payment provider. */
export class ShopFixture {
  /** Charges made, by idempotency key. */
  readonly charges = new Map<string, string>();
  /** Attempts seen by the provider, by reference. */
  readonly attempts = new Map<string, number>();
  /** Whether the provider cuts the connection of each first attempt. */
  providerCuts = true;
  gateway: INestApplication;
  redis: RedisServer;
  /** Everything between the shop and Redis: messages, claims, locks, caches. */
  network: FaultProxy;
  readonly #databases = new Map<ShopDatabase, TestDatabase>();
  readonly #services: INestMicroservice[] = [];
  #provider: Server;

  /** Starts everything; every service is ready. */
  static async start(): Promise<ShopFixture> {
    const shop = new ShopFixture();
    shop.redis = await startRedis();
    shop.network = await createFaultProxy(shop.redis.url);
    await Promise.all(
      DATABASES.map(async (name) => shop.#databases.set(name, await createDatabase())),
    );
    await shop.#migrate();
    await shop.#startServices(await shop.#startProvider());
    return shop;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.gateway.close();
    await Promise.all(this.#services.map((service) => service.close()));
    this.#provider.closeAllConnections();
    this.#provider.close();
    await Promise.all([...this.#databases.values()].map((database) => database.drop()));
    await this.network.stop();
    await this.redis.stop();
  }

  /** Asks a database directly. */
  async rows<R extends object>(
    database: ShopDatabase,
    sql: string,
    values: unknown[] = [],
  ): Promise<R[]> {
    const client = new pg.Client({ connectionString: this.#url(database) });
    await client.connect();
    try {
      return (await client.query<R>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Puts a product on sale at 1000 cents, version 1. */
  async addProduct(sku: string, stock: number): Promise<string> {
    const columns = 'sku, name, stock, price_cents, price_version';
    const insert = `INSERT INTO products (${columns}) VALUES ($1, $1, $2, 1000, 1)`;
    await this.rows('inventory', insert, [sku, stock]);
    return sku;
  }

  #url(database: ShopDatabase): string {
    return this.#databases.get(database)!.url;
  }

  async #migrate(): Promise<void> {
    await migrate(inventoryDataSource(this.#url('inventory')));
    await migrate(paymentsDataSource(this.#url('payments')));
    await migrate(shardDataSource(this.#url('s1')));
    await migrate(shardDataSource(this.#url('s2')));
  }

  async #startServices(providerUrl: string): Promise<void> {
    const common = { transportUrl: this.network.url(), redisUrl: this.network.url() };
    const shards = (['s1', 's2'] as const).map((id) => ({ id, url: this.#url(id) }));
    for (const n of [1, 2]) {
      const databaseUrl = this.#url('inventory');
      await this.#serve(
        InventoryModule.register({ ...common, databaseUrl, replica: `inventory-${n}` }),
      );
      await this.#serve(OrdersModule.register({ ...common, shards, replica: `orders-${n}` }));
    }
    const databaseUrl = this.#url('payments');
    const payments = { ...common, databaseUrl, providerUrl, replica: 'payments-1' };
    await this.#serve(PaymentsModule.register(payments));
    this.gateway = await NestFactory.create(GatewayModule.register(common), { logger: ['error'] });
    serveApiDocs(this.gateway);
    await this.gateway.listen(0, '127.0.0.1');
  }

  async #serve(module: DynamicModule): Promise<void> {
    const service = await NestFactory.createMicroservice(module, {
      strategy: new ShopRedisServer({ url: this.network.url() }),
      logger: ['error'],
    });
    await service.listen();
    this.#services.push(service);
  }

  async #startProvider(): Promise<string> {
    this.#provider = createServer((incoming, response) => {
      this.#charge(incoming, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => this.#provider.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#provider.address() as AddressInfo).port}`;
  }

  /** Charges, and may cut the connection of each first attempt: the answer is lost, the money is not. */
  async #charge(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { reference } = (await json(incoming)) as { reference: string };
    const attempt = (this.attempts.get(reference) ?? 0) + 1;
    this.attempts.set(reference, attempt);
    const key = String(incoming.headers['idempotency-key'] ?? `${reference}#${attempt}`);
    if (!this.charges.has(key)) this.charges.set(key, `charge-${this.charges.size + 1}`);
    if (this.providerCuts && attempt === 1) {
      incoming.socket.resetAndDestroy();
      return;
    }
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ chargeId: this.charges.get(key) }));
  }
}

async function migrate(options: DataSourceOptions): Promise<void> {
  const database = await new DataSource(options).initialize();
  await database.runMigrations();
  await database.destroy();
}
