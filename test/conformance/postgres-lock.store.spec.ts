/** The PostgreSQL adapter keeps the contract of the port. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { POSTGRES_LOCK_DDL, PostgresLockStore } from '../../libs/distributed/src/lock/index.js';
import { lockStoreCases, type LockStoreFixture } from '../../libs/distributed/src/testing/index.js';
import { createDatabase, type TestDatabase } from '../support/postgres.fixture.js';

let database: TestDatabase;
let pools: [pg.Pool, pg.Pool];

beforeAll(async () => {
  database = await createDatabase();
  const open = (): pg.Pool => new pg.Pool({ connectionString: database.url, max: 4 });
  pools = [open(), open()];
  await pools[0].query(POSTGRES_LOCK_DDL);
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

describe('PostgresLockStore', () => {
  const create = (): LockStoreFixture => {
    const [one, other] = pools;
    const close = async (): Promise<void> => {};
    return { store: new PostgresLockStore(one), other: new PostgresLockStore(other), close };
  };
  it.each(lockStoreCases(create))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
