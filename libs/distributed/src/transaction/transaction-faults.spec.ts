/**
 * Broken connections at every boundary: the outcome that is reported is the outcome in the table, or
 * says that it is unknown. Never a silent success, never a poisoned connection in the pool.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/fault-proxy.js';
import { Propagation, type TransactionService } from './index.js';

describe('a backend that dies', () => {
  let f: TransactionFixture;
  let tx: TransactionService;

  beforeAll(async () => {
    f = await createTransactionFixture();
    tx = f.transactions;
    await f.observe(
      'CREATE TABLE child (note int REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    await f.observe(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$`);
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note CASCADE'));
  afterEach(() => f.expectClean());

  // Naive (plain TypeORM): QueryRunnerAlreadyReleasedError, the SQLSTATE is lost.
  it.each([0, 1, 2, 3])(
    'K1 killed after statement %i: the cause is kept, nothing is stored, the pool recovers',
    async (boundary) => {
      const failing = tx.run(async () => {
        const pid = await f.pid();
        for (let n = 0; n < 3; n++) {
          if (n === boundary) await f.kill(pid);
          await f.dataSource.query(`INSERT INTO note (text) VALUES ('row${n}')`);
        }
        if (boundary === 3) await f.kill(pid);
      });
      await expect(failing).rejects.toMatchObject({
        code: 'E_TRANSACTION_CONNECTION_LOST',
        cause: { code: '57P01' },
        details: { sqlstate: '57P01' },
        retryable: true,
      });
      expect(await f.rows()).toEqual([]);
    },
  );

  it('K1 killed inside a savepoint whose error is caught: the transaction fails too', async () => {
    const failing = tx.run(async () => {
      await f.save('outer');
      const nested = tx.run(async () => f.kill(await f.pid()), { propagation: Propagation.NESTED });
      await nested.catch(() => undefined);
    });
    await expect(failing).rejects.toMatchObject({ cause: expect.anything() });
    expect(await f.rows()).toEqual([]);
  });

  it('K1 killed while a statement runs: the statement’s own error arrives', async () => {
    const failing = tx.run(async () => {
      await f.save('a');
      const pid = await f.pid();
      const running = f.dataSource.query('SELECT pg_sleep(60)');
      running.catch(() => undefined);
      await untilSleeping(f);
      await f.observe('SELECT pg_terminate_backend($1)', [pid]);
      await running;
    });
    await expect(failing).rejects.toMatchObject({ driverError: { code: '57P01' } });
    expect(await f.rows()).toEqual([]);
  });

  // Naive: a check that ignores the answer of COMMIT calls this a success.
  it('a deferred constraint that fails at COMMIT is a definite failure', async () => {
    const outcomes: string[] = [];
    const failing = tx.run(async () => {
      await f.save('a');
      await f.dataSource.query('INSERT INTO child (note) VALUES (-1)');
      tx.onAfterCompletion((outcome) => outcomes.push(outcome));
    });
    await expect(failing).rejects.toMatchObject({
      code: 'E_TRANSACTION_COMMIT_FAILED',
      cause: { code: '23503' },
      details: { sqlstate: '23503' },
    });
    expect(outcomes).toEqual(['ROLLED_BACK']);
    expect(await f.rows()).toEqual([]);
  });

  // Naive: no error, so COMMIT "succeeded"; its tag says ROLLBACK.
  it('a failure the library did not see: the tag of COMMIT tells', async () => {
    const { driver } = f.dataSource as unknown as {
      driver: { connectedQueryRunners: { query(sql: string): Promise<unknown> }[] };
    };
    const failing = tx.run(async () => {
      await f.save('a');
      const [bare] = driver.connectedQueryRunners;
      await bare!.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK' });
    expect(await f.rows()).toEqual([]);
  });

  it('killed while COMMIT runs: the outcome is unknown', async () => {
    await f.observe(`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON note
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`);
    let pid!: number;
    const failing = tx.run(async () => {
      await f.save('a');
      pid = await f.pid();
    });
    failing.catch(() => undefined);
    await untilSleeping(f);
    await f.observe('SELECT pg_terminate_backend($1)', [pid]);
    await expect(failing).rejects.toMatchObject({
      code: 'E_TRANSACTION_OUTCOME_UNKNOWN',
      details: { sqlstate: '57P01' },
      retryable: false,
    });
    await f.observe('DROP TRIGGER slow ON note');
    expect(await f.rows()).toEqual([]);
  });
});

describe('a network that fails', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  let f: TransactionFixture;
  let tx: TransactionService;

  beforeEach(async () => {
    database = await createDatabase();
    proxy = await createFaultProxy(database.url);
    f = await createTransactionFixture({
      url: database.url,
      via: (url) => proxy.url(url),
      pool: 2,
    });
    tx = f.transactions;
  });
  afterEach(async () => {
    await proxy.heal();
    await f.expectClean();
    await f.close();
    await proxy.stop();
    await database.drop();
  });

  // Naive: either a success that nobody saw, or an error that makes the caller repeat what is stored.
  it('the answer of COMMIT is lost: unknown, and the row is there; exactly one attempt', async () => {
    const outcomes: string[] = [];
    let attempts = 0;
    const failing = tx.run(async () => {
      attempts += 1;
      await f.save('a');
      tx.onAfterCommit(() => outcomes.push('afterCommit'));
      tx.onAfterRollback(() => outcomes.push('afterRollback'));
      tx.onAfterCompletion((outcome) => outcomes.push(outcome));
      proxy.dropNextReply({ to: 'COMMIT' });
    });
    await expect(failing).rejects.toMatchObject({
      code: 'E_TRANSACTION_OUTCOME_UNKNOWN',
      retryable: false,
    });
    expect(outcomes).toEqual(['UNKNOWN']);
    expect(attempts).toBe(1);
    expect(await f.rows()).toEqual(['a']);
  });

  it('the answer of COMMIT never comes: unknown once the time is over', async () => {
    const failing = tx.run(
      async () => {
        await f.save('a');
        proxy.dropNextReply({ to: 'COMMIT', keepOpen: true });
      },
      { timeout: 300 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'E_TRANSACTION_OUTCOME_UNKNOWN',
      cause: { code: 'E_TRANSACTION_TIMEOUT' },
    });
    expect(await f.rows()).toEqual(['a']);
  });

  it('cut between two statements: lost, nothing stored', async () => {
    const failing = tx.run(async () => {
      await f.save('a');
      proxy.resetAll();
      await f.save('b');
    });
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_CONNECTION_LOST' });
    expect(await f.rows()).toEqual([]);
  });

  it('cut before START: the error says so, nothing ran', async () => {
    let ran = false;
    await f.dataSource.query('SELECT 1');
    proxy.dropNextReply({ to: 'START TRANSACTION' });
    const failing = tx.run(async () => {
      ran = true;
    });
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_CONNECTION_LOST' });
    expect(ran).toBe(false);
  });

  // Naive: the connection is destroyed first, and the timeout then reported as a lost connection.
  it('the answer of START never comes: a timeout, nothing ran', async () => {
    let ran = false;
    // The first transaction of a DataSource is preceded by the proof that joining works.
    await tx.run(() => f.pid());
    proxy.dropNextReply({ to: 'START TRANSACTION', keepOpen: true });
    const failing = tx.run(
      async () => {
        ran = true;
      },
      { timeout: 300 },
    );
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_TIMEOUT' });
    expect(ran).toBe(false);
  });

  // Naive: the transaction keeps its locks until TCP gives up, for hours.
  it('a dead network in the middle: the caller gets an error, the server ends the transaction itself', async () => {
    const failing = tx.run(
      async () => {
        await f.save('a');
        proxy.blackhole('both');
        await f.save('b');
      },
      { timeout: 300 },
    );
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_TIMEOUT' });
    await untilNoTransaction(f);
    expect(await f.rows()).toEqual([]);
  });
});

/** Waits until some session of the database runs pg_sleep. */
async function untilSleeping(f: TransactionFixture): Promise<void> {
  for (;;) {
    const [row] = await f.observe(
      `SELECT count(*)::int AS n FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event = 'PgSleep'`,
    );
    if (Number(row?.['n']) > 0) return;
  }
}

/** Waits until the server has no open transaction of this database left but ours. */
async function untilNoTransaction(f: TransactionFixture): Promise<void> {
  for (;;) {
    const [row] = await f.observe(
      `SELECT count(*)::int AS n FROM pg_stat_activity
       WHERE datname = current_database() AND state LIKE 'idle in%'`,
    );
    if (Number(row?.['n']) === 0) return;
  }
}
