/** Advisory locks: judged from the rows they protect and from pg_locks, with a real PostgreSQL. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AdvisoryLockFixture,
  createAdvisoryLockFixture,
} from '../../../../test/support/advisory-lock.fixture.js';
import {
  boom,
  Boom,
  createTransactionFixture,
  createTransactionService,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { FakeClock } from '../testing/fake-clock.js';
import type { TransactionService } from './index.js';

let f: TransactionFixture;
let tx: TransactionService;
let locks: AdvisoryLockFixture;

beforeAll(async () => {
  f = await createTransactionFixture();
  tx = f.transactions;
  locks = createAdvisoryLockFixture(f);
  await f.observe('CREATE TABLE counter (value int); INSERT INTO counter VALUES (0)');
  // The DataSource is proven, joining and locking, before statements are counted.
  await tx.run(async () => {}, { advisoryLock: 'proof' });
});
afterAll(() => f.close());
beforeEach(async () => {
  await f.observe('TRUNCATE note');
  f.statements.length = 0;
});
afterEach(async () => {
  expect(await locks.list()).toEqual([]);
  await f.expectClean();
});

describe('a counter that is read, then written', () => {
  /** Four workers, fifty increments each. */
  const countUp = async (options: Parameters<TransactionService['run']>[1]): Promise<number> => {
    await f.observe('UPDATE counter SET value = 0');
    const increment = async (): Promise<void> => {
      const [row] = (await f.dataSource.query('SELECT value FROM counter')) as { value: number }[];
      await f.dataSource.query('UPDATE counter SET value = $1', [row!.value + 1]);
    };
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let n = 0; n < 50; n += 1) await tx.run(increment, options);
      }),
    );
    const [row] = await f.observe('SELECT value FROM counter');
    return Number(row?.['value']);
  };

  it('loses increments without a lock', async () => {
    expect(await countUp({})).toBeLessThan(200);
  });

  it('loses none with one', async () => {
    expect(await countUp({ advisoryLock: ['counter', 1] })).toBe(200);
  });

  it('loses some under shared locks: they only keep exclusive ones out', async () => {
    expect(await countUp({ advisoryLock: { key: 'counter', mode: 'shared' } })).toBeLessThan(200);
  });
});

describe('the price', () => {
  it('is one round trip, the first after START, for however many keys', async () => {
    await tx.run(() => f.save('x'), { advisoryLock: [['b'], ['a']] });
    const [start, lock, insert, commit, ...others] = f.statements;
    expect(start).toMatch(/^START TRANSACTION/);
    expect(lock).toMatch(/^SAVEPOINT .*RELEASE SAVEPOINT \w+$/);
    expect(lock!.indexOf("advisory:a'")).toBeLessThan(lock!.indexOf("advisory:b'"));
    expect(insert).toMatch(/^INSERT/);
    expect([commit, ...others]).toEqual(['COMMIT']);
  });

  it('is one round trip without waiting, too, and one more to undo a wait that failed', async () => {
    const holder = await locks.hold('a');
    f.statements.length = 0;
    await tx.run(() => f.save('x'), { advisoryLock: { key: 'a', ifLocked: 'skip' } });
    expect(f.statements.map((sql) => sql.split(' ')[0])).toEqual(['START', 'SELECT', 'COMMIT']);
    f.statements.length = 0;
    await tx.run(() => f.save('x'), { advisoryLock: { key: 'a', wait: 5 } }).catch(() => undefined);
    const kinds = f.statements.map((sql) => sql.split(' ')[0]);
    expect(kinds).toEqual(['START', 'SAVEPOINT', 'ROLLBACK', 'ROLLBACK']);
    await holder.end();
    expect(await f.rows()).toEqual([]);
  });

  it('leaves the own lock_timeout of the caller as it was', async () => {
    const holder = await locks.hold('b');
    await tx.run(async () => {
      await f.dataSource.query("SET LOCAL lock_timeout = '7s'");
      await tx.advisoryLock('a', { wait: 1_000 });
      await tx.advisoryLock('b', { wait: 5 }).catch(() => undefined);
      expect(await f.dataSource.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '7s' }]);
    });
    expect(await f.dataSource.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '0' }]);
    await holder.end();
  });
});

describe('the holder', () => {
  it('keeps the lock until its commit is visible', async () => {
    const [inside, go] = [deferred(), deferred()];
    const first = tx.run(
      async () => {
        inside.resolve();
        await go.promise;
        await f.save('first');
      },
      { advisoryLock: 'a' },
    );
    await inside.promise;
    const second = tx.run(() => f.dataSource.query('SELECT text FROM note'), { advisoryLock: 'a' });
    await locks.waiters(1);
    go.resolve();
    await first;
    expect(await second).toEqual([{ text: 'first' }]);
  });

  it('gives it back when it throws, with its own error', async () => {
    const failing = tx.run(async () => boom(), { advisoryLock: 'a' });
    await expect(failing).rejects.toBeInstanceOf(Boom);
    expect(await locks.list()).toEqual([]);
  });

  it('gives it back when its server process dies: lock and data go together', async () => {
    const holder = await locks.hold('a');
    const next = tx.run(() => f.save('next'), { advisoryLock: { key: 'a', wait: '20s' } });
    await locks.waiters(1);
    const begun = performance.now();
    await f.kill(holder.pid);
    await next;
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await holder.end()).toMatchObject({ code: 'E_TRANSACTION_CONNECTION_LOST' });
    expect(await f.rows()).toEqual(['next']);
  });

  // A lease would have passed to the next one while this one still believes in it, and writes.
  it('that is frozen keeps lock and data until the server ends both: it cannot write late', async () => {
    const [inside, thaw] = [deferred(), deferred()];
    // Its clock stands still; the server's limit is a second after the timeout.
    const frozen = createTransactionService(
      { dataSources: { default: f.dataSource } },
      new FakeClock(),
    ).run(
      async () => {
        inside.resolve();
        await thaw.promise;
        await f.save('late');
      },
      { advisoryLock: 'a', timeout: 200 },
    );
    frozen.catch(() => undefined);
    await inside.promise;
    await tx.run(() => f.save('next'), { advisoryLock: { key: 'a', wait: '20s' } });
    thaw.resolve();
    await expect(frozen).rejects.toMatchObject({ code: 'E_TRANSACTION_CONNECTION_LOST' });
    expect(await f.rows()).toEqual(['next']);
  });

  it('excludes whoever computes the same number in SQL', async () => {
    const holder = await locks.hold(['order', "it's\\é 7"]);
    const [row] = await f.observe(
      "SELECT pg_try_advisory_lock(hashtextextended('nestjs-distributed:advisory:order:it%27s%5c%c3%a9%207', 0)) AS free",
    );
    expect(row).toEqual({ free: false });
    await holder.end();
  });
});
