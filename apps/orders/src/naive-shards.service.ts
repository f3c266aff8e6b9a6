/** Hand-made routing over several databases, as seen in the wild; see customer-orders.naive.controller.ts. */
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ORDERS_OPTIONS, type OrdersOptions } from './orders.options.js';

/** Knows the databases and nothing of who owns what. */
@Injectable()
export class NaiveShards implements OnModuleInit, OnApplicationShutdown {
  readonly #databases: readonly DataSource[];

  constructor(@Inject(ORDERS_OPTIONS) options: OrdersOptions) {
    this.#databases = options.shards.map(({ url }) => new DataSource({ type: 'postgres', url }));
  }

  async onModuleInit(): Promise<void> {
    await Promise.all(this.#databases.map((database) => database.initialize()));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#databases.map((database) => database.destroy()));
  }

  /** Writes to "the" database of the customer, or, when that fails, to the next one. */
  async write(customerId: string, sql: string, values: unknown[]): Promise<void> {
    const first = Buffer.from(customerId).reduce((sum, code) => sum + code, 0);
    try {
      await this.#at(first).query(sql, values);
    } catch {
      await this.#at(first + 1).query(sql, values);
    }
  }

  /** Asks every database and merges. */
  async read<Row>(sql: string, values: unknown[]): Promise<Row[]> {
    const answers = await Promise.all(
      this.#databases.map((database) => database.query<Row[]>(sql, values)),
    );
    return answers.flat();
  }

  #at(index: number): DataSource {
    return this.#databases[index % this.#databases.length] as DataSource;
  }
}
