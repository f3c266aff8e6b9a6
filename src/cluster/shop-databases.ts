/** The run's own databases on the given servers: created at the start, dropped at the end. */
import pg from 'pg';
import type { DatabaseUrls } from '../judge/judge.js';

/** Databases named after the run, so that several runs can share a server. */
export class ShopDatabases {
  readonly urls: DatabaseUrls;
  readonly #servers: { readonly admin: string; readonly database: string }[];

  constructor(runId: string, servers: { readonly postgresA: string; readonly postgresB: string }) {
    const { postgresA: a, postgresB: b } = servers;
    const name = (what: string): string => `shop_${runId}_${what}`;
    const place = (admin: string, what: string): string => {
      const url = new URL(admin);
      url.pathname = `/${name(what)}`;
      return url.href;
    };
    this.#servers = [
      { admin: a, database: name('inventory') },
      { admin: a, database: name('payments') },
      { admin: a, database: name('orders_s1') },
      { admin: b, database: name('orders_s2') },
    ];
    this.urls = {
      inventory: place(a, 'inventory'),
      payments: place(a, 'payments'),
      shards: { s1: place(a, 'orders_s1'), s2: place(b, 'orders_s2') },
    };
  }

  /** Creates the databases, empty. */
  async create(): Promise<void> {
    await Promise.all(
      this.#servers.map(({ admin, database }) => execute(admin, `CREATE DATABASE ${database}`)),
    );
  }

  /** Drops them, whoever is still connected. */
  async drop(): Promise<void> {
    await Promise.allSettled(
      this.#servers.map(({ admin, database }) =>
        execute(admin, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
      ),
    );
  }

  /** Puts a product on sale, before its scenario starts. */
  async addProduct({ sku, stock }: { sku: string; stock: number }): Promise<void> {
    await execute(
      this.urls.inventory,
      `INSERT INTO products (sku, name, stock, price_cents, price_version)
       VALUES ($1, $1, $2, 1000, 1)`,
      [sku, stock],
    );
  }
}

async function execute(url: string, sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql, values);
  } finally {
    await client.end().catch(() => {});
  }
}
