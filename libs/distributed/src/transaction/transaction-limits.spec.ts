/** Timeouts, isolation, read-only mode and round trips, as the server sees them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createTransactionFixture,
  createTransactionService,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { FakeClock } from '../testing/fake-clock.js';
import { Propagation, type TransactionService } from './index.js';

describe('limits', () => {
  let f: TransactionFixture;
  let tx: TransactionService;
  const show = async (setting: string): Promise<unknown> => {
    const [row] = (await f.dataSource.query(`SELECT current_setting('${setting}') AS value`)) as {
      value: string;
    }[];
    return row?.value;
  };

  beforeAll(async () => {
    f = await createTransactionFixture();
    tx = f.transactions;
    await tx.run(() => f.pid());
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

  it('a transaction of one statement is three round trips', async () => {
    f.statements.length = 0;
    await tx.run(() => f.dataSource.query('SELECT 1'), {
      isolation: 'SERIALIZABLE',
      readOnly: true,
    });
    expect(f.statements).toEqual([
      'START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY; SET LOCAL statement_timeout = 30000; SET LOCAL idle_in_transaction_session_timeout = 31000',
      'SELECT 1',
      'COMMIT',
    ]);
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'isolation %s',
    async (isolation) => {
      await tx.run(
        async () => {
          expect(await show('transaction_isolation')).toBe(isolation.toLowerCase());
          expect(tx.current()).toMatchObject({ isolation, readOnly: false, dataSource: 'default' });
        },
        { isolation },
      );
    },
  );

  it('readOnly: the server refuses writes', async () => {
    const failing = tx.run(() => f.save('a'), { readOnly: true });
    await expect(failing).rejects.toMatchObject({ driverError: { code: '25006' } });
  });

  it('settings end with the transaction', async () => {
    await tx.run(async () => expect(await show('statement_timeout')).toBe('2s'), { timeout: '2s' });
    const settings = await Promise.all([1, 2, 3, 4].map(() => show('statement_timeout')));
    expect(settings).toEqual(['0', '0', '0', '0']);
  });

  it('a lower limit of the session stays', async () => {
    const strict = await createTransactionFixture({
      dataSource: { extra: { max: 2, options: '-c statement_timeout=5000' } },
      pool: 2,
    });
    try {
      await strict.transactions.run(async () => {
        const [row] = (await strict.dataSource.query('SHOW statement_timeout')) as object[];
        expect(row).toEqual({ statement_timeout: '5s' });
      });
    } finally {
      await strict.close();
    }
  });

  // Naive: Promise.race answers in time, but ROLLBACK queues behind the statement that still runs.
  it('a statement that takes too long is ended by the server', async () => {
    const failing = tx.run(
      async () => {
        await f.save('a');
        await f.dataSource.query('SELECT pg_sleep(60)');
      },
      { timeout: 200 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'E_TRANSACTION_TIMEOUT',
      details: { timeoutMs: 200 },
    });
    expect(await f.rows()).toEqual([]);
  });

  describe('with a clock the test moves', () => {
    let clock: FakeClock;
    let timed: TransactionService;

    beforeEach(() => {
      clock = new FakeClock();
      timed = createTransactionService({ dataSources: { default: f.dataSource } }, clock);
    });
    afterEach(() => expect(clock.pendingTimers).toBe(0));

    it('a body that never ends is given up after 30 s, and cannot write any more', async () => {
      const started = deferred();
      const gate = deferred();
      let late: unknown;
      const ended = deferred();
      const failing = timed.run(async () => {
        await f.save('a');
        started.resolve();
        await gate.promise;
        late = await f.save('late').catch((error: unknown) => error);
        ended.resolve();
      });
      failing.catch(() => undefined);
      await started.promise;
      await clock.advance(29_999);
      expect(
        await Promise.race([failing.catch(() => 'over'), f.observe('SELECT 1').then(() => 'open')]),
      ).toBe('open');
      await clock.advance(1);
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_TIMEOUT' });
      gate.resolve();
      await ended.promise;
      expect(late).toMatchObject({ code: 'E_TRANSACTION_TIMEOUT' });
      expect(await f.rows()).toEqual([]);
    });

    it('the statement limit follows the time that is left', async () => {
      await timed.run(async () => {
        expect(await show('statement_timeout')).toBe('30s');
        await clock.advance(2_000);
        expect(await show('statement_timeout')).toBe('30s');
        await clock.advance(18_000);
        expect(await show('statement_timeout')).toBe('10s');
        // ROLLBACK TO SAVEPOINT makes the server forget; the next statement sets it again.
        await timed
          .run(
            async () => {
              await clock.advance(5_000);
              expect(await show('statement_timeout')).toBe('5s');
              throw new Error('undo');
            },
            { propagation: Propagation.NESTED },
          )
          .catch(() => undefined);
        expect(await show('statement_timeout')).toBe('5s');
      });
    });

    it('a savepoint that waits for a statement of its parent is named in the message', async () => {
      const inside = deferred();
      const failing = timed.run(async () => {
        const slow = inside.promise.then(() => f.save('parent'));
        await timed.run(
          async () => {
            inside.resolve();
            await slow;
          },
          { propagation: Propagation.NESTED },
        );
      });
      failing.catch(() => undefined);
      await inside.promise;
      await f.observe('SELECT 1');
      await clock.advance(30_000);
      await expect(failing).rejects.toThrow(/waited for a savepoint/);
      expect(await f.rows()).toEqual([]);
    });
  });
});
