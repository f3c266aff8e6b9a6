/** Servers named by the environment are used and never stopped; their shard goes down by its line only. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../../test/support/postgres.fixture.js';
import { ShopDatabases } from './shop-databases.js';
import { openServers } from './shop-servers.js';

describe('openServers with addresses from the environment', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterAll(() => database.drop());

  async function ask(url: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<{ answer: unknown }>(sql)).rows.map((row) => row.answer);
    } finally {
      await client.end();
    }
  }

  it('takes one shard away without touching the server, and gives it back', async () => {
    const servers = await openServers({
      REDIS_URL: 'redis://example.test:1',
      DATABASE_URLS: database.url,
    });
    try {
      expect(servers.redis).toBe('redis://example.test:1');
      await servers.outage.begin();
      await expect(ask(servers.postgresB, 'SELECT 1 AS answer')).rejects.toThrow('ECONNREFUSED');
      expect(await ask(servers.postgresA, 'SELECT 1 AS answer')).toEqual([1]);
      await servers.outage.end();
      expect(await ask(servers.postgresB, 'SELECT 2 AS answer')).toEqual([2]);
    } finally {
      await servers.stop();
    }
    expect(await ask(database.url, 'SELECT 3 AS answer')).toEqual([3]);
  });

  it('makes databases of its own on them, and drops these only', async () => {
    const servers = await openServers({ REDIS_URL: 'redis://x', DATABASE_URLS: database.url });
    const databases = new ShopDatabases('spec1', servers);
    const ours = `SELECT datname AS answer FROM pg_database WHERE datname LIKE 'shop_spec1%' ORDER BY 1`;
    try {
      await databases.create();
      expect(await ask(database.url, ours)).toEqual([
        'shop_spec1_inventory',
        'shop_spec1_orders_s1',
        'shop_spec1_orders_s2',
        'shop_spec1_payments',
      ]);
      expect(await ask(databases.urls.shards['s2'] ?? '', 'SELECT 1 AS answer')).toEqual([1]);
    } finally {
      await databases.drop();
      await servers.stop();
    }
    expect(await ask(database.url, ours)).toEqual([]);
  });
});
