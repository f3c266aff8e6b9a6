/**
 * The failure matrix of declarative transactions, row by row (E1…E14), judged from the table. The
 * comment of each row says which naive version fails it: plain `dataSource.transaction`, a patched
 * prototype with a mutable context, or a context that falls back to autocommit.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import {
  createTransactionFixture,
  Note,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation } from './index.js';

const { NESTED, NOT_SUPPORTED, REQUIRES_NEW } = Propagation;

class Boom extends Error {}

/** A promise and its settling functions. */
function deferred<T = void>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

describe('failure matrix', () => {
  let f: TransactionFixture;
  const run: TransactionFixture['transactions']['run'] = (fn, options) =>
    f.transactions.run(fn, options);
  const boom = (): never => {
    throw new Boom('boom');
  };

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

  describe('E3: concurrent scopes', () => {
    // Naive: one mutable store per async root moves A into B's transaction.
    it('E3 two REQUIRES_NEW at once stay in their own transactions', async () => {
      const both = deferred();
      let arrived = 0;
      const inner = (name: string): Promise<unknown[]> =>
        run(
          async () => {
            const first = await f.pid();
            arrived += 1;
            if (arrived === 2) both.resolve();
            await both.promise;
            await f.save(name);
            return [first, await f.pid()];
          },
          { propagation: REQUIRES_NEW },
        );
      const failing = run(async () => {
        const outer = await f.pid();
        const [a, b] = await Promise.all([inner('a'), inner('b')]);
        expect(new Set([outer, ...a, ...b]).size).toBe(3);
        expect(a[0]).toBe(a[1]);
        expect(b[0]).toBe(b[1]);
        expect(await f.pid()).toBe(outer);
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual(['a', 'b']);
    });

    // Naive: the sibling's suspension leaks, and A's row is autocommitted.
    it('E3d a NOT_SUPPORTED sibling does not take A out of its transaction', async () => {
      const suspended = deferred();
      const written = deferred();
      const failing = run(async () => {
        await Promise.all([
          run(
            async () => {
              suspended.resolve();
              await written.promise;
              await f.save('outside');
            },
            { propagation: NOT_SUPPORTED },
          ),
          (async () => {
            await suspended.promise;
            await f.save('inside');
            written.resolve();
          })(),
        ]);
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual(['outside']);
    });
  });

  describe('E4: concurrent savepoints', () => {
    const pair = (name: string, fail = false) =>
      run(
        async () => {
          await f.save(`${name}1`);
          await f.save(`${name}2`);
          if (fail) boom();
        },
        { propagation: NESTED },
      );

    // Naive: savepoints named by depth collide, and the pool gets an aborted connection back.
    it('E4 two NESTED at once both succeed: four rows', async () => {
      await run(() => Promise.all([pair('a'), pair('b')]));
      expect(await f.rows()).toEqual(['a1', 'a2', 'b1', 'b2']);
    });

    it.each(['first', 'second'])(
      'E4b/c the %s of two fails: the rows of the other are kept',
      async (which) => {
        await run(() =>
          Promise.allSettled([pair('a', which === 'first'), pair('b', which === 'second')]),
        );
        expect(await f.rows()).toEqual(which === 'first' ? ['b1', 'b2'] : ['a1', 'a2']);
      },
    );

    // Naive: the parent's row falls into the sibling's savepoint and disappears with it.
    it('E4d a statement of the parent while a NESTED sibling rolls back is kept', async () => {
      const inside = deferred();
      await run(async () => {
        const nested = run(
          async () => {
            await f.save('nested');
            inside.resolve();
            await f.pid();
            boom();
          },
          { propagation: NESTED },
        );
        await inside.promise;
        await Promise.allSettled([nested, f.save('parent')]);
      });
      expect(await f.rows()).toEqual(['parent']);
    });
  });

  // Naive (plain pool): with no connectionTimeoutMillis the three requests hang for ever.
  it('E6 a pool exhausted by outers that each want one more fails in time, and recovers', async () => {
    let arrived = 0;
    const all = deferred();
    const request = (name: number) =>
      run(async () => {
        await f.save(`outer${name}`);
        arrived += 1;
        if (arrived === 4) all.resolve();
        await all.promise;
        await run(() => f.save(`inner${name}`), { propagation: REQUIRES_NEW, timeout: 200 });
      });
    const results = await Promise.allSettled([1, 2, 3, 4].map(request));
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    for (const each of failed) expect(each.reason).toMatchObject({ code: 'E_TRANSACTION_TIMEOUT' });
    expect((await f.rows()).length).toBe((4 - failed.length) * 2);
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

  describe('E8, E9: work that nobody awaits', () => {
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
      ).rejects.toThrow();
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

  describe('E10: every way into TypeORM joins', () => {
    // Naive: dataSource.transaction opens a second connection; a captured manager stays outside.
    it.each<[string, (f: TransactionFixture) => Promise<unknown>]>([
      ['dataSource.query', (f) => f.dataSource.query(`INSERT INTO note (text) VALUES ('x')`)],
      ['manager.query', (f) => f.dataSource.manager.query(`INSERT INTO note (text) VALUES ('x')`)],
      [
        'E10 dataSource.transaction',
        (f) => f.dataSource.transaction((em) => em.save(Note, { text: 'x' })),
      ],
      [
        'E10 dataSource.transaction with isolation',
        (f) => f.dataSource.transaction('READ COMMITTED', (em) => em.save(Note, { text: 'x' })),
      ],
      [
        'E10 manager.transaction twice',
        (f) =>
          f.dataSource.manager.transaction((em) =>
            em.transaction((inner) => inner.insert(Note, { text: 'x' })),
          ),
      ],
      ['E10d manager.save', (f) => f.dataSource.manager.save(Note, { text: 'x' })],
      [
        'E10d extended repository',
        (f) =>
          f.dataSource
            .getRepository(Note)
            .extend({
              add(text: string) {
                return this.save({ text });
              },
            })
            .add('x'),
      ],
      [
        'E10d withRepository',
        (f) =>
          f.dataSource.manager
            .withRepository(f.dataSource.getRepository(Note))
            .insert({ text: 'x' }),
      ],
      [
        'dataSource.createQueryBuilder',
        (f) =>
          f.dataSource.createQueryBuilder().insert().into(Note).values({ text: 'x' }).execute(),
      ],
      [
        'repository.createQueryBuilder',
        (f) =>
          f.dataSource
            .getRepository(Note)
            .createQueryBuilder()
            .insert()
            .values({ text: 'x' })
            .execute(),
      ],
      [
        'repository.upsert',
        (f) => f.dataSource.getRepository(Note).upsert({ text: 'x' }, ['text']),
      ],
    ])('%s', async (_way, write) => {
      const failing = run(async () => {
        await write(f);
        const seen = await f.dataSource.getRepository(Note).find();
        expect(seen.map((note) => note.text)).toEqual(['x']);
        expect(await f.rows()).toEqual([]);
        boom();
      });
      await expect(failing).rejects.toBeInstanceOf(Boom);
      expect(await f.rows()).toEqual([]);
      await run(() => write(f));
      expect(await f.rows()).toEqual(['x']);
    });

    it('a failing dataSource.transaction inside is undone alone', async () => {
      await run(async () => {
        await f.save('a');
        const inner = f.dataSource.transaction(async (manager) => {
          await manager.save(Note, { text: 'b' });
          boom();
        });
        await expect(inner).rejects.toBeInstanceOf(Boom);
      });
      expect(await f.rows()).toEqual(['a']);
    });

    it('the outer manager used inside a savepoint works in the savepoint', async () => {
      await run(() =>
        f.dataSource.transaction(async (outer) => {
          await run(
            async () => {
              await outer.save(Note, { text: 'inner' });
              boom();
            },
            { propagation: NESTED },
          ).catch(() => undefined);
          await outer.save(Note, { text: 'outer' });
        }),
      );
      expect(await f.rows()).toEqual(['outer']);
    });

    // Naive: the cached repository keeps the runner of the transaction it was first asked for in.
    it('a repository first asked for inside a transaction works after it', async () => {
      const fresh = await createTransactionFixture();
      try {
        const repository = await fresh.transactions.run(async () =>
          fresh.dataSource.getRepository(Note),
        );
        await repository.createQueryBuilder().insert().values({ text: 'after' }).execute();
        expect(await fresh.rows()).toEqual(['after']);
      } finally {
        await fresh.close();
      }
    });
  });

  describe('E14: options of a call that joins', () => {
    // Naive: silently ignored, so the inner code runs with less than it asked for.
    it('a stricter isolation is an error, and nothing of the inner ran', async () => {
      let ran = false;
      const failing = run(() =>
        run(
          async () => {
            ran = true;
          },
          { isolation: 'SERIALIZABLE' },
        ),
      );
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_INCOMPATIBLE' });
      expect(ran).toBe(false);
    });

    it('a weaker one joins', async () => {
      await run(() => run(() => f.save('a'), { isolation: 'READ COMMITTED' }), {
        isolation: 'SERIALIZABLE',
      });
      expect(await f.rows()).toEqual(['a']);
    });

    it('a call that may write cannot join a read-only transaction; a read-only call joins any', async () => {
      const failing = run(() => run(() => f.save('a')), { readOnly: true });
      await expect(failing).rejects.toMatchObject({ code: 'E_TRANSACTION_INCOMPATIBLE' });
      await run(() => run(() => f.pid(), { readOnly: true }));
      await run(() => run(() => f.pid(), { readOnly: true }), { readOnly: true });
    });
  });
});
