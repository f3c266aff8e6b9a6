/**
 * E3, E4, E6: scopes side by side in one request, row by row of the failure matrix.
 * Judged from the table; the comments say which naive version fails: plain `dataSource.transaction`, a
 * mutable context, or a context that falls back to autocommit.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Boom,
  boom,
  createTransactionFixture,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation } from './index.js';

const { NESTED, NOT_SUPPORTED, REQUIRES_NEW } = Propagation;

describe('concurrent scopes', () => {
  let f: TransactionFixture;
  const run: TransactionFixture['transactions']['run'] = (fn, options) =>
    f.transactions.run(fn, options);

  beforeAll(async () => {
    f = await createTransactionFixture();
  });
  afterAll(() => f.close());
  beforeEach(() => f.observe('TRUNCATE note'));
  afterEach(() => f.expectClean());

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
});
