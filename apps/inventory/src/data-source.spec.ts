/** The migrations make what the entities expect, on a real database. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/postgres.fixture.js';
import { inventoryDataSource } from './data-source.js';

let database: TestDatabase;
let source: DataSource;

beforeAll(async () => {
  database = await createDatabase();
  source = await new DataSource(inventoryDataSource(database.url)).initialize();
  await source.runMigrations({ transaction: 'all' });
});

afterAll(async () => {
  await source.destroy();
  await database.drop();
});

async function tables(): Promise<string[]> {
  const rows = await source.query<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'public' AND table_name <> 'migrations' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

describe('the schema of the inventory', () => {
  it('has a column for every property of every entity', async () => {
    for (const { tableName, columns } of source.entityMetadatas) {
      const found = await source.query<{ name: string }[]>(
        'SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1',
        [tableName],
      );
      const expected = columns.map((column) => column.databaseName);
      expect(found.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
    }
    expect(await tables()).toEqual([
      'late_holders',
      'lock_fences',
      'price_loads',
      'products',
      'purchases',
    ]);
  });

  it('is not migrated twice', async () => {
    expect(await source.runMigrations()).toEqual([]);
  });

  it('goes and comes back', async () => {
    await source.undoLastMigration();
    await source.undoLastMigration();
    expect(await tables()).toEqual([]);
    expect(await source.runMigrations()).toHaveLength(2);
  });
});
