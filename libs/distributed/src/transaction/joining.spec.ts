/**
 * E10, E14: every way into TypeORM joins, and a call that cannot says so.
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

describe('joining', () => {
  let f: TransactionFixture;
  const run: TransactionFixture['transactions']['run'] = (fn, options) =>
    f.transactions.run(fn, options);

  beforeAll(async () => {
    f = await createTransactionFixture();
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

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
