/**
 * E1, E2, E7: what is stored is what was reported, row by row of the failure matrix.
 * Judged from the table; the comments say which naive version fails: plain `dataSource.transaction`, a
 * mutable context, or a context that falls back to autocommit.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Boom,
  boom,
  createTransactionFixture,
  Note,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation } from './index.js';

const { NESTED } = Propagation;

describe('outcome', () => {
  let f: TransactionFixture;
  const run: TransactionFixture['transactions']['run'] = (fn, options) =>
    f.transactions.run(fn, options);

  beforeAll(async () => {
    f = await createTransactionFixture();
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

  describe('E1: commit and rollback', () => {
    it('commits what the body wrote, and returns its value', async () => {
      await expect(run(async () => (await f.save('a')).text)).resolves.toBe('a');
      expect(await f.rows()).toEqual(['a']);
    });

    // Naive: `dataSource.transaction(() => repository.save())` writes outside and keeps the row.
    it('rolls back an injected repository; the error arrives as the same object', async () => {
      const error = new Boom('mine');
      const failing = run(async () => {
        await f.save('a');
        throw error;
      });
      await expect(failing).rejects.toBe(error);
      expect(await f.rows()).toEqual([]);
    });

    it('is what plain dataSource.transaction does not do (the control)', async () => {
      const repository = f.dataSource.getRepository(Note);
      const control = f.dataSource.transaction(async () => {
        await repository.save({ text: 'outside' });
        boom();
      });
      await expect(control).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual(['outside']);
    });
  });

  describe('E2: NESTED', () => {
    // Naive: a "nested" transaction on a second connection keeps the inner row.
    it('E2 inner succeeds, outer throws: nothing is stored', async () => {
      const failing = run(async () => {
        await run(() => f.save('inner'), { propagation: NESTED });
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual([]);
    });

    it('E2c inner throws and is caught: only the outer rows', async () => {
      await run(async () => {
        await f.save('before');
        await run(
          async () => {
            await f.save('inner');
            boom();
          },
          { propagation: NESTED },
        ).catch(() => undefined);
        await f.save('after');
      });
      expect(await f.rows()).toEqual(['after', 'before']);
    });

    it('a failed statement in it leaves the outer transaction usable', async () => {
      await run(async () => {
        await f.save('a');
        await expect(run(() => f.save('a'), { propagation: NESTED })).rejects.toThrow(/duplicate/);
        await f.save('b');
      });
      expect(await f.rows()).toEqual(['a', 'b']);
    });

    it('a failed statement that it swallows is an UnexpectedRollbackError of the savepoint alone', async () => {
      await run(async () => {
        const swallowing = run(
          async () => {
            await f.save('lost');
            await f.save('lost').catch(() => undefined);
          },
          { propagation: NESTED },
        );
        await expect(swallowing).rejects.toMatchObject({
          code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
          details: { sqlstate: '23505' },
        });
        await f.save('kept');
      });
      expect(await f.rows()).toEqual(['kept']);
    });

    it('nests deeper, each level undone alone', async () => {
      await run(async () => {
        await run(
          async () => {
            await f.save('one');
            await run(
              async () => {
                await f.save('two');
                boom();
              },
              { propagation: NESTED },
            ).catch(() => undefined);
            await run(() => f.save('three'), { propagation: NESTED });
          },
          { propagation: NESTED },
        );
      });
      expect(await f.rows()).toEqual(['one', 'three']);
    });
  });

  describe('E7: swallowed failures', () => {
    // Naive: COMMIT is answered with the tag ROLLBACK and no error: success, nothing stored.
    it('E7 a swallowed SQL error: UnexpectedRollbackError with the statement as cause', async () => {
      const failing = run(async () => {
        await f.save('a');
        await f.save('a').catch(() => undefined);
        return 'success';
      });
      await expect(failing).rejects.toMatchObject({
        code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
        cause: { driverError: { code: '23505' } },
        details: { sqlstate: '23505' },
      });
      expect(await f.rows()).toEqual([]);
    });

    // Naive: the inner's partial work is committed.
    it('E7b an inner REQUIRED that throws and is caught: UnexpectedRollbackError', async () => {
      const error = new Boom('inner');
      const failing = run(async () => {
        await f.save('outer');
        await run(async () => {
          await f.save('half');
          throw error;
        }).catch(() => undefined);
        await f.save('more');
      });
      await expect(failing).rejects.toMatchObject({
        code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
        cause: error,
      });
      expect(await f.rows()).toEqual([]);
    });

    it('a failure undone by hand with a savepoint is no failure', async () => {
      await run(async () => {
        await f.save('a');
        await f.dataSource.query('SAVEPOINT mine');
        await f.save('a').catch(() => undefined);
        await f.dataSource.query('ROLLBACK TO SAVEPOINT mine');
        await f.save('b');
      });
      expect(await f.rows()).toEqual(['a', 'b']);
    });
  });
});
