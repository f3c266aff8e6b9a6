/** `fenced`: the fences of the caller's locks stand before everything a transaction does. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  boom,
  createTransactionFixture,
  createTransactionService,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { fencePort, T0 } from '../../../../test/support/fence.fixture.js';
import { GrantedLock } from '../../../../test/support/granted-lock.fixture.js';
import type { FencePort } from './fence.port.js';
import { Propagation } from './propagation.js';
import type { TransactionModuleOptions } from './transaction.options.js';
import type { TransactionService } from './transaction.service.js';

let fixture: TransactionFixture;
/** The locks the "async context" is inside of. */
let held: GrantedLock[];
let transactions: TransactionService;

const port = fencePort(() => held);

function service(options: TransactionModuleOptions = {}, fences?: FencePort): TransactionService {
  const dataSources = { default: fixture.dataSource };
  return createTransactionService({ dataSources, ...options }, undefined, fences);
}

beforeAll(async () => {
  fixture = await createTransactionFixture();
  await fixture.observe('CREATE TABLE lock_fences (key text PRIMARY KEY, token bigint NOT NULL)');
  transactions = service({}, port);
  // The DataSource is proven to join before statements are counted.
  await transactions.run(async () => {});
});

afterAll(() => fixture.close());

beforeEach(async () => {
  held = [];
  await fixture.observe('TRUNCATE note, lock_fences');
  fixture.statements.length = 0;
});

const lock = (key: string, token = T0): GrantedLock => new GrantedLock(key, token);
const fences = async (): Promise<unknown[]> =>
  fixture.observe('SELECT key, token::float8 AS token FROM lock_fences ORDER BY key');
const kinds = (): string[] =>
  fixture.statements.map((sql) => sql.split(' ').slice(0, 2).join(' ').replace(/;$/, ''));
const stale = { code: 'E_LOCK_STALE' };

describe('a call that opens', () => {
  it('enters right after START, before its first read', async () => {
    held = [lock('a')];
    await transactions.run(() => fixture.save('x'), { fenced: true });
    expect(kinds().slice(0, 3)).toEqual(['START TRANSACTION', 'INSERT INTO', 'INSERT INTO']);
    expect(fixture.statements[1]).toContain('lock_fences');
    expect(await fences()).toEqual([{ key: 'a', token: T0 }]);
  });

  it('comes after the advisory lock: who waits for that holds no fence', async () => {
    held = [lock('a')];
    await transactions.run(() => fixture.save('x'), { fenced: true, advisoryLock: 'a' });
    const [, first, second] = fixture.statements;
    expect(first).toContain('pg_advisory_xact_lock');
    expect(second).toContain('lock_fences');
  });

  it('a late holder does not run, and nothing remains', async () => {
    await fixture.observe(`INSERT INTO lock_fences VALUES ('a', ${T0 + 1})`);
    held = [lock('a')];
    let ran = false;
    const late = transactions.run(
      async () => {
        ran = true;
        return fixture.save('x');
      },
      // Not even a rule that keeps work on errors keeps this.
      { fenced: true, noRollbackFor: [Error] },
    );
    await expect(late).rejects.toMatchObject(stale);
    expect(ran).toBe(false);
    expect(await fixture.rows()).toEqual([]);
    await fixture.expectClean();
  });

  it('enters the fences of all locks, in the order of the port', async () => {
    held = [lock('a'), lock('b', T0 + 7)];
    await transactions.run(() => fixture.save('x'), { fenced: true });
    expect(await fences()).toEqual([
      { key: 'a', token: T0 },
      { key: 'b', token: T0 + 7 },
    ]);
  });

  it('is late when one of several locks is', async () => {
    await fixture.observe(`INSERT INTO lock_fences VALUES ('b', ${T0 + 1})`);
    held = [lock('a'), lock('b')];
    await expect(transactions.run(() => fixture.save('x'), { fenced: true })).rejects.toMatchObject(
      stale,
    );
    expect(await fences()).toEqual([{ key: 'b', token: T0 + 1 }]);
  });

  it('keeps a newer holder out of its reads until it has ended', async () => {
    const [inside, go] = [deferred(), deferred()];
    held = [lock('a')];
    const first = transactions.run(
      async () => {
        inside.resolve();
        await go.promise;
        await fixture.save('first');
      },
      { fenced: true },
    );
    await inside.promise;
    held = [lock('a', T0 + 1)];
    const seen = transactions.run(() => fixture.dataSource.query('SELECT text FROM note'), {
      fenced: true,
    });
    for (let waiting = 0; waiting === 0;) {
      const [row] = await fixture.observe(
        `SELECT count(*)::int AS n FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      waiting = Number(row?.['n']);
    }
    go.resolve();
    await first;
    expect(await seen).toEqual([{ text: 'first' }]);
  });

  it('without a lock: true refuses before START, ifLocked runs without', async () => {
    await expect(transactions.run(() => fixture.save('x'), { fenced: true })).rejects.toMatchObject(
      { code: 'E_TRANSACTION_FENCE', executed: 'no' },
    );
    expect(fixture.statements).toEqual([]);
    await transactions.run(() => fixture.save('x'), { fenced: 'ifLocked' });
    expect(await fences()).toEqual([]);
    expect(await fixture.rows()).toEqual(['x']);
  });

  it('a lock without a token is refused, also by ifLocked', async () => {
    held = [lock('a', 0)];
    for (const fenced of [true, 'ifLocked'] as const)
      await expect(transactions.run(() => fixture.save('x'), { fenced })).rejects.toMatchObject({
        code: 'E_LOCK_UNFENCED',
      });
    expect(fixture.statements).toEqual([]);
  });

  it('says how to create the missing table', async () => {
    held = [lock('a')];
    await expect(
      service({ fenceTable: 'nowhere' }, port).run(() => fixture.save('x'), { fenced: true }),
    ).rejects.toMatchObject({
      code: 'E_LOCK_FENCE',
      message: expect.stringContaining('CREATE TABLE IF NOT EXISTS "nowhere"'),
    });
    await fixture.expectClean();
  });
});

describe('a call that joins', () => {
  it('enters the lock it brings, once, before its body', async () => {
    await transactions.run(async () => {
      await fixture.save('outer');
      held = [lock('a')];
      for (const text of ['x', 'y'])
        await transactions.run(() => fixture.save(text), { fenced: true });
    });
    const entries = fixture.statements.filter((sql) => sql.includes('lock_fences'));
    expect(entries).toHaveLength(1);
    expect(await fences()).toEqual([{ key: 'a', token: T0 }]);
  });

  it('that is late takes the transaction around it along, also when it is caught', async () => {
    await fixture.observe(`INSERT INTO lock_fences VALUES ('a', ${T0 + 1})`);
    const outer = transactions.run(async () => {
      await fixture.save('outer');
      held = [lock('a')];
      await transactions.run(() => fixture.save('x'), { fenced: true }).catch(() => {});
    });
    await expect(outer).rejects.toMatchObject({
      code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
      cause: stale,
    });
    expect(await fixture.rows()).toEqual([]);
  });

  it('NESTED: late is undone alone, and a fence undone with its savepoint is entered again', async () => {
    await fixture.observe(`INSERT INTO lock_fences VALUES ('b', ${T0 + 1})`);
    const options = { fenced: true, propagation: Propagation.NESTED } as const;
    await transactions.run(async () => {
      await fixture.save('outer');
      held = [lock('b')];
      await expect(transactions.run(() => fixture.save('x'), options)).rejects.toMatchObject(stale);
      held = [lock('a')];
      await transactions.run(async () => boom(), options).catch(() => {});
      await transactions.run(() => fixture.save('inner'), options);
    });
    expect(await fixture.rows()).toEqual(['inner', 'outer']);
    expect(await fences()).toEqual([
      { key: 'a', token: T0 },
      { key: 'b', token: T0 + 1 },
    ]);
  });

  it('does not repeat what the call that opened has entered', async () => {
    held = [lock('a')];
    await transactions.run(
      () =>
        Promise.all(
          ['x', 'y'].map((text) => transactions.run(() => fixture.save(text), { fenced: true })),
        ),
      { fenced: true },
    );
    expect(fixture.statements.filter((sql) => sql.includes('lock_fences'))).toHaveLength(1);
  });
});

describe('the default of the application', () => {
  it('holds for calls that may write, and a call can do without', async () => {
    const fenced = service({ fenced: 'ifLocked' }, port);
    held = [lock('a')];
    await fenced.run(() => fixture.save('x'), { fenced: false });
    await fenced.run(async () => fixture.rows(), { readOnly: true });
    expect(await fences()).toEqual([]);
    await fenced.run(() => fixture.save('y'));
    expect(await fences()).toEqual([{ key: 'a', token: T0 }]);
  });

  it('true refuses every unlocked call that opens, not those outside of transactions', async () => {
    const fenced = service({ fenced: true }, port);
    await expect(fenced.run(() => fixture.save('x'))).rejects.toMatchObject({
      code: 'E_TRANSACTION_FENCE',
    });
    const outside = { propagation: Propagation.NOT_SUPPORTED };
    expect(await fenced.run(async () => 1, outside)).toBe(1);
  });
});

describe('options that cannot work', () => {
  it('without the lock capability', async () => {
    const lonely = service();
    await expect(lonely.run(async () => 1, { fenced: 'ifLocked' })).rejects.toMatchObject({
      code: 'E_TRANSACTION_FENCE',
      message: expect.stringContaining('lock: {…}'),
    });
  });

  it.each([
    [{ fenced: true, readOnly: true }],
    [{ fenced: true, propagation: Propagation.SUPPORTS }],
    [{ fenced: 'ifLocked', propagation: Propagation.NEVER }],
    [{ fenced: 'sometimes' as never }],
  ] as const)('%j is refused', async (options) => {
    await expect(transactions.run(async () => 1, options)).rejects.toMatchObject({
      code: 'E_OPTIONS_INVALID',
    });
  });
});
