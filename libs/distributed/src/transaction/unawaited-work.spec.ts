/**
 * E8, E9, E12: work that outlives its transaction, row by row of the failure matrix.
 * Judged from the table; the comments say which naive version fails: plain `dataSource.transaction`, a
 * mutable context, or a context that falls back to autocommit.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import {
  Boom,
  boom,
  createTransactionFixture,
  deferred,
  Note,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation } from './index.js';

const { NESTED, NOT_SUPPORTED, REQUIRES_NEW } = Propagation;

describe('unawaited work', () => {
  let f: TransactionFixture;
  const run: TransactionFixture['transactions']['run'] = (fn, options) =>
    f.transactions.run(fn, options);

  beforeAll(async () => {
    f = await createTransactionFixture();
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

  // Naive: the context falls back to the pool after the end, and the row is autocommitted.
  it('E8 a write after the commit is rejected with E_TRANSACTION_CLOSED', async () => {
    const ended = deferred();
    let late!: Promise<unknown>;
    await run(async () => {
      await f.save('a');
      late = (async () => {
        await ended.promise;
        await f.save('late');
      })();
    });
    ended.resolve();
    await expect(late).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
    expect(await f.rows()).toEqual(['a']);
  });

  it.each<[string, (f: TransactionFixture) => Promise<unknown>]>([
    ['dataSource.query', (f) => f.dataSource.query(`INSERT INTO note (text) VALUES ('late')`)],
    ['manager.save', (f) => f.dataSource.manager.save(Note, { text: 'late' })],
    ['manager.insert', (f) => f.dataSource.manager.insert(Note, { text: 'late' })],
    [
      'dataSource.transaction',
      (f) => f.dataSource.transaction((em) => em.save(Note, { text: 'late' })),
    ],
    ['run REQUIRED', (f) => f.transactions.run(() => f.save('late'))],
    ['run NESTED', (f) => f.transactions.run(() => f.save('late'), { propagation: NESTED })],
  ])('E8 …also through %s', async (_way, write) => {
    const ended = deferred();
    let late!: Promise<unknown>;
    await run(async () => {
      late = ended.promise.then(() => write(f));
    });
    ended.resolve();
    await expect(late).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
    expect(await f.rows()).toEqual([]);
  });

  // Naive: the body runs, does what it does outside the database, and fails at its first statement.
  it.each([undefined, Propagation.MANDATORY, Propagation.SUPPORTS, NESTED])(
    'E8 a late call (%s) is refused before its body runs',
    async (propagation) => {
      const ended = deferred();
      let ran = false;
      let late!: Promise<unknown>;
      await run(async () => {
        late = ended.promise.then(() =>
          run(async () => {
            ran = true;
          }, propagation && { propagation }),
        );
      });
      ended.resolve();
      await expect(late).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
      expect(ran).toBe(false);
    },
  );

  it('E8 a late write that is detached on purpose is stored', async () => {
    const ended = deferred();
    let late!: Promise<unknown>;
    await run(async () => {
      late = ended.promise.then(() =>
        Promise.all([
          run(() => f.save('own'), { propagation: REQUIRES_NEW }),
          run(() => f.save('none'), { propagation: NOT_SUPPORTED }),
        ]),
      );
    });
    ended.resolve();
    await late;
    expect(await f.rows()).toEqual(['none', 'own']);
  });

  it.each([undefined, NESTED])(
    'E8b a call (%s) started and not awaited: UnawaitedScopeError and rollback',
    async (propagation) => {
      const ended = deferred();
      let child!: Promise<unknown>;
      const failing = run(async () => {
        await f.save('a');
        child = run(async () => {
          await ended.promise;
          await f.save('child');
        }, propagation && { propagation });
        child.catch(() => undefined);
        return 'done';
      });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNAWAITED' });
      ended.resolve();
      await expect(child).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
      expect(await f.rows()).toEqual([]);
    },
  );

  // Naive: ROLLBACK TO SAVEPOINT reaches a connection that somebody else holds by then.
  it.each(['returns', 'throws'])(
    'E8b a savepoint that %s after its transaction ended sends nothing more',
    async (how) => {
      const inside = deferred();
      const ended = deferred();
      let child!: Promise<unknown>;
      const failing = run(async () => {
        child = run(
          async () => {
            inside.resolve();
            await ended.promise;
            if (how === 'throws') boom();
          },
          { propagation: NESTED },
        );
        child.catch(() => undefined);
        await inside.promise;
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      f.statements.length = 0;
      ended.resolve();
      await expect(child).rejects.toThrow(how === 'throws' ? 'boom' : /has ended/);
      expect(f.statements).toEqual([]);
    },
  );

  // Naive: one row is written between ROLLBACK and release (plain TypeORM), or all of them later.
  it('E9 an unawaited sibling loop while the body throws: nothing is stored', async () => {
    let loop!: Promise<void>;
    const failing = run(async () => {
      loop = (async () => {
        for (let n = 0; n < 50; n++) await f.save(`loop${n}`);
      })();
      loop.catch(() => undefined);
      await f.save('body');
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    await expect(loop).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
    expect(await f.rows()).toEqual([]);
  });

  it('E9 an unawaited sibling loop while the body returns is never a silent half', async () => {
    let loop!: Promise<void>;
    const failing = run(async () => {
      loop = (async () => {
        for (let n = 0; n < 50; n++) await f.save(`loop${n}`);
      })();
      loop.catch(() => undefined);
      await f.save('body');
    });
    await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_UNAWAITED' });
    await expect(loop).rejects.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
    expect(await f.rows()).toEqual([]);
  });

  // Naive: 29 rows are committed (both peers), 1 with a captured manager (plain TypeORM).
  it('E9b Promise.all of thirty inserts, one of which throws: nothing is stored', async () => {
    const failing = run(() =>
      Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          n === 15 ? Promise.reject(new Boom('15')) : f.save(`p${n}`),
        ),
      ),
    );
    await expect(failing).rejects.toThrow('15');
    expect(await f.rows()).toEqual([]);
  });

  it('E9b Promise.all of thirty inserts that all succeed is safe: thirty rows', async () => {
    await run(() => Promise.all(Array.from({ length: 30 }, (_, n) => f.save(`p${n}`))));
    expect(await f.rows()).toHaveLength(30);
  });

  it('E9c/d the same with a captured manager', async () => {
    const { manager } = f.dataSource;
    const failing = run(() =>
      Promise.all([
        ...Array.from({ length: 30 }, (_, n) => manager.insert(Note, { text: `p${n}` })),
        f.pid().then(boom),
      ]),
    );
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await f.rows()).toEqual([]);
  });

  it('E9d a manager handed out by the transaction is dead after it', async () => {
    let leaked!: typeof f.dataSource.manager;
    await run(() =>
      f.dataSource.transaction(async (manager) => {
        leaked = manager;
        await manager.save(Note, { text: 'a' });
      }),
    );
    await expect(leaked.save(Note, { text: 'late' })).rejects.toMatchObject({
      code: 'E_TRANSACTION_CLOSED',
    });
    await expect(
      leaked.createQueryBuilder().insert().into(Note).values({ text: 'late' }).execute(),
    ).rejects.toThrow(/ended/);
    expect(await f.rows()).toEqual(['a']);
  });

  // Naive: the handler autocommits although the transaction rolled back.
  it('E12 an event handler that goes on after the rollback is rejected', async () => {
    const bus = new EventEmitter();
    const outcome = deferred<unknown>();
    const ended = deferred();
    bus.on('created', () => {
      void ended.promise.then(() => f.save('handler')).then(outcome.resolve, outcome.resolve);
    });
    const failing = run(async () => {
      bus.emit('created');
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    ended.resolve();
    await expect(outcome.promise).resolves.toMatchObject({ code: 'E_TRANSACTION_CLOSED' });
    expect(await f.rows()).toEqual([]);
  });

  it('E12 an awaited event handler joins', async () => {
    const bus = new EventEmitter();
    const failing = run(async () => {
      const heard = once(bus, 'done');
      bus.once('created', () => void f.save('handler').then(() => bus.emit('done')));
      bus.emit('created');
      await heard;
      boom();
    });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await f.rows()).toEqual([]);
  });
});
