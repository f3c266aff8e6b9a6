/** Every propagation with and without a transaction around it, and rollback-only. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Boom,
  boom,
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation, type TransactionService } from './index.js';

const { MANDATORY, NESTED, NEVER, NOT_SUPPORTED, REQUIRED, REQUIRES_NEW, SUPPORTS } = Propagation;

describe('propagation', () => {
  let f: TransactionFixture;
  let tx: TransactionService;
  /** How the call is seen from inside. */
  const look = (propagation: Propagation) =>
    tx.run(
      async () => ({
        active: tx.isActive(),
        nested: tx.current()?.isNested,
        label: tx.current()?.label,
        pid: await f.pid(),
        accessor: (f.dataSource.manager.queryRunner as unknown) !== undefined,
      }),
      { propagation, label: 'inner' },
    );

  beforeAll(async () => {
    f = await createTransactionFixture();
    tx = f.transactions;
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

  it.each([REQUIRED, REQUIRES_NEW, NESTED])(
    '%s without a transaction opens one',
    async (propagation) => {
      const inside = await look(propagation);
      expect(inside).toMatchObject({ active: true, nested: false, label: 'inner', accessor: true });
      expect(tx.isActive()).toBe(false);
      expect(f.dataSource.manager.queryRunner).toBeUndefined();
    },
  );

  it.each([SUPPORTS, NOT_SUPPORTED, NEVER])(
    '%s without a transaction runs without',
    async (propagation) => {
      expect(await look(propagation)).toMatchObject({ active: false, accessor: false });
    },
  );

  it('MANDATORY without a transaction is an error', async () => {
    await expect(look(MANDATORY)).rejects.toMatchObject({ code: 'E_TRANSACTION_REQUIRED' });
  });

  it.each([REQUIRED, SUPPORTS, MANDATORY])('%s inside joins', async (propagation) => {
    await tx.run(
      async () => {
        const pid = await f.pid();
        expect(await look(propagation)).toEqual({
          active: true,
          nested: false,
          label: 'outer',
          pid,
          accessor: true,
        });
      },
      { label: 'outer' },
    );
  });

  it('NESTED inside is a savepoint of the same transaction', async () => {
    await tx.run(async () => {
      const pid = await f.pid();
      expect(await look(NESTED)).toMatchObject({ active: true, nested: true, pid });
    });
  });

  it('REQUIRES_NEW inside is another transaction on another connection', async () => {
    await tx.run(
      async () => {
        const pid = await f.pid();
        const inner = await look(REQUIRES_NEW);
        expect(inner).toMatchObject({ active: true, nested: false, label: 'inner' });
        expect(inner.pid).not.toBe(pid);
        expect(tx.current()?.label).toBe('outer');
      },
      { label: 'outer' },
    );
  });

  it('NOT_SUPPORTED inside suspends, on another connection', async () => {
    await tx.run(async () => {
      const pid = await f.pid();
      const inner = await look(NOT_SUPPORTED);
      expect(inner).toMatchObject({ active: false, accessor: false });
      expect(inner.pid).not.toBe(pid);
      expect(await f.pid()).toBe(pid);
    });
  });

  it('NEVER inside is an error, and marks nothing', async () => {
    await tx.run(async () => {
      await expect(look(NEVER)).rejects.toMatchObject({ code: 'E_TRANSACTION_NOT_ALLOWED' });
      await f.save('a');
    });
    expect(await f.rows()).toEqual(['a']);
  });

  describe('setRollbackOnly', () => {
    it('by the call that opened the transaction: rolls back and returns the value', async () => {
      const result = await tx.run(async () => {
        await f.save('a');
        tx.setRollbackOnly();
        expect(tx.current()?.isRollbackOnly).toBe(true);
        return 'dry run';
      });
      expect(result).toBe('dry run');
      expect(await f.rows()).toEqual([]);
    });

    it('by a joined call: the outer one is told', async () => {
      const failing = tx.run(async () => {
        await f.save('a');
        await tx.run(async () => tx.setRollbackOnly());
      });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK' });
      expect(await f.rows()).toEqual([]);
    });

    it('in a savepoint: undoes the savepoint alone', async () => {
      await tx.run(async () => {
        await f.save('outer');
        const inner = tx.run(
          async () => {
            await f.save('inner');
            tx.setRollbackOnly();
            return 'dry';
          },
          { propagation: NESTED },
        );
        await expect(inner).resolves.toBe('dry');
      });
      expect(await f.rows()).toEqual(['outer']);
    });

    it('outside is an error', () => {
      expect(() => tx.setRollbackOnly()).toThrow(
        expect.objectContaining({ code: 'E_TRANSACTION_REQUIRED' }),
      );
    });
  });

  describe('noRollbackFor', () => {
    class Notice extends Error {}
    class Grave extends Notice {}

    it('commits, then throws the same error', async () => {
      const error = new Notice();
      const failing = tx.run(() => f.save('a').then(() => Promise.reject(error)), {
        noRollbackFor: [Notice],
      });
      await expect(failing).rejects.toBe(error);
      expect(await f.rows()).toEqual(['a']);
    });

    it('does not apply to other errors, nor to what rollbackFor names', async () => {
      const options = {
        noRollbackFor: [Notice],
        rollbackFor: [(error: unknown) => error instanceof Grave],
      };
      await expect(tx.run(() => f.save('a').then(boom), options)).rejects.toBeInstanceOf(Boom);
      const grave = tx.run(() => f.save('b').then(() => Promise.reject(new Grave())), options);
      await expect(grave).rejects.toBeInstanceOf(Grave);
      expect(await f.rows()).toEqual([]);
    });

    it('in a joined call leaves the transaction healthy; in a savepoint keeps its work', async () => {
      const options = { noRollbackFor: [Notice] };
      const notice = (text: string, propagation: Propagation) =>
        tx
          .run(() => f.save(text).then(() => Promise.reject(new Notice())), {
            ...options,
            propagation,
          })
          .catch(() => undefined);
      await tx.run(async () => {
        await notice('joined', REQUIRED);
        await notice('nested', NESTED);
      });
      expect(await f.rows()).toEqual(['joined', 'nested']);
    });

    // Naive: the caller gets its own error and believes that the rest was committed.
    it('cannot keep work that PostgreSQL has aborted', async () => {
      const failing = tx.run(() => f.save('a').then(() => f.save('a')), { noRollbackFor: [Error] });
      await expect(failing).rejects.toMatchObject({
        code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
        cause: { driverError: { code: '23505' } },
      });
      expect(await f.rows()).toEqual([]);
    });
  });
});
