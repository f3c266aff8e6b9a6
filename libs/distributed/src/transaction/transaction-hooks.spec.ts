/** H1–H4: hooks are awaited, ordered, apart from each other, and follow the fate of their scope. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Boom,
  boom,
  createTransactionFixture,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation, type TransactionService } from './index.js';

const { NESTED, NOT_SUPPORTED, REQUIRES_NEW, SUPPORTS } = Propagation;

describe('hooks', () => {
  let f: TransactionFixture;
  let tx: TransactionService;
  let seen: string[];
  /** Registers one hook of every phase; each writes down its name and what it was told. */
  const listen = (name: string): void => {
    const later = async (text: string): Promise<void> => {
      await f.observe('SELECT 1');
      seen.push(text);
    };
    tx.onBeforeCommit(() => later(`${name}: before`));
    tx.onAfterCompletion((outcome) => later(`${name}: ${outcome}`));
    tx.onAfterCommit(() => later(`${name}: committed`));
    tx.onAfterRollback((cause) => later(`${name}: undone by ${String((cause as Error)?.message)}`));
  };

  beforeAll(async () => {
    f = await createTransactionFixture();
    tx = f.transactions;
  });
  afterAll(() => f.close());
  beforeEach(async () => {
    seen = [];
    f.hookErrors.length = 0;
    await f.observe('TRUNCATE note');
  });
  afterEach(() => f.expectClean());

  // Naive: hooks that ride on setImmediate run after the caller has gone on.
  it('H1 run in order, awaited, before the caller continues', async () => {
    await tx.run(async () => {
      listen('a');
      listen('b');
    });
    seen.push('caller');
    expect(seen).toEqual([
      'a: before',
      'b: before',
      'a: committed',
      'b: committed',
      'a: COMMITTED',
      'b: COMMITTED',
      'caller',
    ]);
  });

  it('H1 after a rollback: cause and outcome, no commit hook', async () => {
    const failing = tx.run(async () => {
      listen('a');
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(seen).toEqual(['a: undone by boom', 'a: ROLLED_BACK']);
  });

  // Naive: the process exits with an uncaught exception.
  it('H2 a hook that throws or rejects is reported; the others run and the result stands', async () => {
    const result = await tx.run(async () => {
      await f.save('a');
      tx.onAfterCommit(() => {
        throw new Boom('sync');
      });
      tx.onAfterCommit(() => Promise.reject(new Boom('async')));
      tx.onAfterCommit(() => seen.push('third'));
      return 'result';
    });
    expect(result).toBe('result');
    expect(seen).toEqual(['third']);
    expect(f.hookErrors.map(String)).toEqual(['Error: sync', 'Error: async']);
    expect(await f.rows()).toEqual(['a']);
  });

  // Naive: the hook of the inner scope fires although its work was rolled back.
  it('H3 a hook of a NESTED scope does not fire when the outer one rolls back', async () => {
    const failing = tx.run(async () => {
      await tx.run(async () => listen('inner'), { propagation: NESTED });
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(seen).toEqual(['inner: undone by boom', 'inner: ROLLED_BACK']);
  });

  it('H3 hooks of a savepoint that rolled back are told so; the rest of the transaction commits', async () => {
    await tx.run(async () => {
      listen('outer');
      await tx
        .run(
          async () => {
            listen('inner');
            boom();
          },
          { propagation: NESTED },
        )
        .catch(() => undefined);
    });
    expect(seen).toEqual([
      'outer: before',
      'outer: committed',
      'inner: undone by boom',
      'outer: COMMITTED',
      'inner: ROLLED_BACK',
    ]);
  });

  it('H3 hooks of a released savepoint and of a joined call fire once, with the transaction', async () => {
    await tx.run(async () => {
      await tx.run(async () => listen('nested'), { propagation: NESTED });
      await tx.run(async () => listen('joined'));
      expect(seen).toEqual([]);
    });
    expect(seen.filter((line) => line.endsWith('committed'))).toEqual([
      'nested: committed',
      'joined: committed',
    ]);
  });

  it('H3 a REQUIRES_NEW transaction fires its own hooks, whatever becomes of the outer one', async () => {
    const failing = tx.run(async () => {
      await tx.run(async () => listen('new'), { propagation: REQUIRES_NEW });
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(seen).toEqual(['new: before', 'new: committed', 'new: COMMITTED']);
  });

  // Naive: fires as "commit" though there is no transaction.
  it.each([SUPPORTS, NOT_SUPPORTED])(
    'H4 under %s without a transaction: an error',
    async (propagation) => {
      const failing = tx.run(async () => listen('a'), { propagation });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_REQUIRED' });
    },
  );

  describe('beforeCommit', () => {
    it('may query inside the transaction, and register further hooks', async () => {
      await tx.run(async () => {
        tx.onBeforeCommit(async () => {
          await f.save('first');
          tx.onBeforeCommit(() => f.save('second'));
          tx.onAfterCommit(() => seen.push('after'));
          expect(await f.rows()).toEqual([]);
        });
      });
      expect(await f.rows()).toEqual(['first', 'second']);
      expect(seen).toEqual(['after']);
    });

    it('may use savepoints', async () => {
      await tx.run(async () => {
        tx.onBeforeCommit(async () => {
          await tx
            .run(() => f.save('a').then(boom), { propagation: NESTED })
            .catch(() => undefined);
          await tx.run(() => f.save('b'), { propagation: NESTED });
        });
      });
      expect(await f.rows()).toEqual(['b']);
    });

    it('that throws rolls back, and its error is the result', async () => {
      const error = new Boom('veto');
      const failing = tx.run(async () => {
        await f.save('a');
        tx.onBeforeCommit(() => Promise.reject(error));
        tx.onAfterCommit(() => seen.push('committed'));
      });
      await expect(failing).rejects.toBe(error);
      expect(seen).toEqual([]);
      expect(await f.rows()).toEqual([]);
    });

    it('that swallows a failed statement cannot commit', async () => {
      const failing = tx.run(async () => {
        await f.save('a');
        tx.onBeforeCommit(() => f.save('a').catch(() => undefined));
      });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK' });
      expect(await f.rows()).toEqual([]);
    });

    it('takes no statements of the body, which has ended', async () => {
      let late!: Promise<unknown>;
      let go!: () => void;
      const gate = new Promise<void>((resolve) => (go = resolve));
      const failing = tx.run(async () => {
        late = gate.then(() => f.save('late'));
        late.catch(() => undefined);
        tx.onBeforeCommit(async () => {
          go();
          await f.save('hook');
        });
      });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNAWAITED' });
      await expect(late).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
      expect(await f.rows()).toEqual([]);
    });
  });

  describe('after the end', () => {
    it('runs outside the transaction: writes stand alone, a new transaction can be opened', async () => {
      await tx.run(async () => {
        tx.onAfterCommit(async () => {
          expect(tx.isActive()).toBe(false);
          await f.save('alone');
          await tx.run(() => f.save('own'));
        });
      });
      expect(await f.rows()).toEqual(['alone', 'own']);
    });

    it('of a REQUIRES_NEW transaction does not write into the outer one', async () => {
      const failing = tx.run(async () => {
        await tx.run(async () => tx.onAfterCommit(() => f.save('alone')), {
          propagation: REQUIRES_NEW,
        });
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual(['alone']);
    });
  });
});
