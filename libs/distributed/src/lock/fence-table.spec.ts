/** What the fence needs of its surroundings: a table, a transaction, an executor, a token. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { FenceDatabase, T0 } from '../../../../test/support/fence.fixture.js';
import { GrantedLock } from '../../../../test/support/granted-lock.fixture.js';
import { fenceTableSql, pruneFencesSql } from './fence-table.js';
import { fencedSql } from './fenced-sql.js';

let db: FenceDatabase;

beforeAll(async () => {
  db = await FenceDatabase.create();
});

afterAll(() => db.close());

beforeEach(() => db.reset());

describe('executors', () => {
  let source: DataSource;

  beforeAll(async () => {
    source = await new DataSource({ type: 'postgres', url: db.database.url }).initialize();
  });

  afterAll(() => source.destroy());

  it('takes an EntityManager and a QueryRunner of TypeORM, in one round trip', async () => {
    await source.transaction(async (manager) => {
      await db.fence(T0).enter(manager);
    });
    const runner = source.createQueryRunner();
    await runner.startTransaction();
    const sent: string[] = [];
    const query = runner.query.bind(runner) as (sql: string, p?: unknown[]) => Promise<unknown>;
    Object.assign(runner, {
      query: (sql: string, p?: unknown[]) => (sent.push(sql), query(sql, p)),
    });
    await db.fence(T0 + 1).enter(runner);
    expect(sent).toHaveLength(1);
    await expect(db.fence(T0).enter(runner)).rejects.toMatchObject({ code: 'E_LOCK_STALE' });
    await runner.rollbackTransaction();
    await runner.release();
    expect((await db.stored()).token).toBe(T0);
  });

  it.each([
    ['a pool', () => db.pool],
    ['a DataSource', () => source],
    ['a manager', () => source.manager],
  ])('refuses %s outside of a transaction', async (_, executor) => {
    await expect(db.fence(T0).enter(executor())).rejects.toMatchObject({
      code: 'E_LOCK_FENCE',
      message: expect.stringContaining('outside of a transaction'),
    });
  });

  it('refuses an executor that answers with something else', async () => {
    await expect(db.fence(T0).enter({ query: async () => undefined })).rejects.toMatchObject({
      code: 'E_LOCK_FENCE',
    });
  });

  it('passes errors of the database on unchanged', async () => {
    const client = await db.begin();
    await client.query('SET TRANSACTION READ ONLY');
    await expect(db.fence(T0).enter(client)).rejects.toMatchObject({ code: '25006' });
  });
});

describe('the table', () => {
  it('that is missing is an error with the statement that creates it, and that one works', async () => {
    const client = await db.begin();
    const other = fencedSql(new GrantedLock(db.key, T0), { table: 'public.other_fences' });
    const error = (await other.enter(client).catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'E_LOCK_FENCE', cause: { code: '42P01' } });
    await client.query('ROLLBACK');
    await db.pool.query(/CREATE TABLE.*/.exec(error.message)![0]);
    await client.query('BEGIN');
    await expect(other.enter(client)).resolves.toBeUndefined();
    await client.query('COMMIT');
    await db.pool.query('DROP TABLE other_fences');
  });

  it.each(['a b', 'a;b', '"x"', 'a.b.c', ''])('refuses the name %j', (table) => {
    expect(() => fencedSql(new GrantedLock(db.key, T0), { table })).toThrow(
      expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
    );
    expect(() => fenceTableSql(table)).toThrow(
      expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
    );
  });

  it('forgets old locks and keeps young ones', async () => {
    const now = Date.now() * 1_000;
    const day = 24 * 3_600_000_000;
    await db.pool.query(`INSERT INTO lock_fences VALUES ('old', $1), ('young', $2)`, [
      now - 31 * day,
      now - 29 * day,
    ]);
    await db.pool.query(pruneFencesSql('30d'));
    const { rows } = await db.pool.query('SELECT key FROM lock_fences');
    expect(rows).toEqual([{ key: 'young' }]);
    expect(() => pruneFencesSql('59m')).toThrow(
      expect.objectContaining({ code: 'E_OPTIONS_INVALID' }),
    );
  });

  it('keeps an old row that a holder is advancing at this moment', async () => {
    await db.pool.query(`INSERT INTO lock_fences VALUES ($1, 1)`, [db.key]);
    const client = await db.begin();
    await db.fence(T0 * 2).enter(client);
    const pruned = db.pool.query(pruneFencesSql('30d'));
    await db.waiting(1);
    await client.query('COMMIT');
    expect((await pruned).rowCount).toBe(0);
    expect((await db.stored()).token).toBe(T0 * 2);
  });
});

describe('a lock without a token', () => {
  it('is refused before anything is sent', () => {
    expect(() => fencedSql(new GrantedLock(db.key, 0))).toThrow(
      expect.objectContaining({ code: 'E_LOCK_UNFENCED', executed: 'no' }),
    );
  });
});
