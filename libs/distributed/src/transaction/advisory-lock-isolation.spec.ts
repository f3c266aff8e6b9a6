/** Why advisory locks are refused above READ COMMITTED: PostgreSQL takes the snapshot before the wait. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import { waitForLock } from './advisory-lock-sql.js';

const message = waitForLock({
  keys: ['a'],
  mode: 'exclusive',
  waitMs: 10_000,
  ifLocked: 'wait',
}).join('; ');
const inBlock =
  "DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtextextended('nestjs-distributed:advisory:a', 0)); END $$";

describe('PostgreSQL', () => {
  let database: TestDatabase;
  let holder: pg.Client;
  let waiter: pg.Client;

  const client = async (): Promise<pg.Client> => {
    const connected = new pg.Client({ connectionString: database.url });
    await connected.connect();
    return connected;
  };
  const valueSeenBy = async (reader: pg.Client): Promise<unknown> =>
    (await reader.query('SELECT value FROM counter')).rows[0].value;
  /** What a transaction reads that got the lock only after another one had counted up under it. */
  const seenAfterWaiting = async (isolation: string, lock: string): Promise<unknown> => {
    await holder.query('UPDATE counter SET value = 0');
    await holder.query(`BEGIN; ${message}`);
    await waiter.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    const waiting = waiter.query(lock);
    for (let blocked = 0; blocked === 0;) {
      const { rows } = await holder.query(
        `SELECT count(*)::int AS n FROM pg_locks
          WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      blocked = Number(rows[0].n);
    }
    await holder.query('UPDATE counter SET value = value + 1; COMMIT');
    await waiting;
    const seen = await valueSeenBy(waiter);
    await waiter.query('ROLLBACK');
    return seen;
  };

  beforeAll(async () => {
    database = await createDatabase();
    [holder, waiter] = await Promise.all([client(), client()]);
    await holder.query('CREATE TABLE counter (value int); INSERT INTO counter VALUES (0)');
  });
  afterAll(async () => {
    await Promise.all([holder.end(), waiter.end()]);
    await database.drop();
  });

  it('shows what was committed during the wait at READ COMMITTED', async () => {
    expect(await seenAfterWaiting('READ COMMITTED', message)).toBe(1);
  });

  // The naive version of this room: it would hold the lock and count up from an old value.
  it.each([
    ['REPEATABLE READ', message],
    ['SERIALIZABLE', message],
    ['REPEATABLE READ', inBlock],
  ])('does not at %s: the wait itself set the snapshot', async (isolation, lock) => {
    expect(await seenAfterWaiting(isolation, lock)).toBe(0);
  });

  it('does not let a transaction become stricter once it holds the lock', async () => {
    await waiter.query(`BEGIN; ${message}`);
    const raised = waiter.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await expect(raised).rejects.toMatchObject({ code: '25001' });
    await waiter.query('ROLLBACK');
  });
});

describe('so this room refuses', () => {
  let f: TransactionFixture;
  let strict: TransactionFixture;
  const refused = { code: 'E_TRANSACTION_ADVISORY_ISOLATION', executed: 'no' };

  beforeAll(async () => {
    [f, strict] = await Promise.all([
      createTransactionFixture(),
      createTransactionFixture({
        dataSource: { extra: { options: '-c default_transaction_isolation=serializable' } },
      }),
    ]);
  });
  afterAll(() => Promise.all([f.close(), strict.close()]));
  beforeEach(() => f.observe('TRUNCATE note'));

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)('%s in the options', async (isolation) => {
    const call = f.transactions.run(async () => 1, { isolation, advisoryLock: 'a' });
    await expect(call).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
      message: expect.stringContaining("isolation 'READ COMMITTED'"),
    });
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'a transaction around that is %s, with or without waiting',
    async (isolation) => {
      await f.transactions.run(
        async () => {
          for (const options of [
            {},
            { wait: 0 },
            { ifLocked: 'skip' },
            { mode: 'shared' },
          ] as const)
            await expect(f.transactions.advisoryLock('a', options)).rejects.toMatchObject({
              code: 'E_TRANSACTION_ADVISORY_ISOLATION',
              details: { isolation },
            });
          await expect(
            f.transactions.run(async () => 1, {
              propagation: 'NESTED' as never,
              advisoryLock: 'a',
            }),
          ).rejects.toMatchObject(refused);
        },
        { isolation },
      );
    },
  );

  it.each([{ wait: 100 }, { ifLocked: 'skip' as const }])(
    'a level that was set by hand, asking with %j',
    async (settings) => {
      const call = f.transactions.run(async () => {
        await f.dataSource.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        await f.transactions.advisoryLock('a', settings);
      });
      await expect(call).rejects.toMatchObject({ details: { isolation: 'REPEATABLE READ' } });
      await f.expectClean();
    },
  );

  it('what the server or the DataSource say by default, before the body', async () => {
    let ran = false;
    const call = (): Promise<unknown> =>
      strict.transactions.run(async () => (ran = true), { advisoryLock: 'a' });
    await expect(call()).rejects.toMatchObject(refused);
    expect(ran).toBe(false);
    await strict.transactions.run(async () => strict.transactions.advisoryLock('a'), {
      isolation: 'READ COMMITTED',
    });
    await strict.expectClean();
  });
});
