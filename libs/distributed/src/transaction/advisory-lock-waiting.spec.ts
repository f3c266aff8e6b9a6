/** Advisory locks that are not free: waiting, giving up, rings, readers; and servers that cannot lock. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AdvisoryLockFixture,
  createAdvisoryLockFixture,
} from '../../../../test/support/advisory-lock.fixture.js';
import {
  createTransactionFixture,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { TRANSACTION_CHANNELS, type TransactionEvents, type TransactionService } from './index.js';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

let f: TransactionFixture;
let tx: TransactionService;
let locks: AdvisoryLockFixture;

beforeAll(async () => {
  f = await createTransactionFixture();
  tx = f.transactions;
  locks = createAdvisoryLockFixture(f);
});
afterAll(() => f.close());
beforeEach(() => f.observe('TRUNCATE note'));
afterEach(async () => {
  expect(await locks.list()).toEqual([]);
  await f.expectClean();
});

const timedOut = { code: 'E_TRANSACTION_ADVISORY_TIMEOUT', retryable: true };
const exclusive = { granted: true, mode: 'ExclusiveLock' };
const shared = { granted: true, mode: 'ShareLock' };

describe('a wait that is over', () => {
  it('is told apart: the decorated body did not run, a body that asks itself did', async () => {
    const holder = await locks.hold('a');
    let ran = false;
    const advisoryLock = { key: 'a', wait: 10 };
    await expect(tx.run(async () => (ran = true), { advisoryLock })).rejects.toMatchObject({
      ...timedOut,
      executed: 'no',
      details: { waitMs: 10 },
    });
    expect(ran).toBe(false);
    const asking = tx.run(() => tx.advisoryLock('a', { wait: 10 }));
    await expect(asking).rejects.toMatchObject({ ...timedOut, executed: 'unknown' });
    await holder.end();
  });

  // Without the savepoint: 'a' stays locked, and everything after it is refused with 25P02.
  it('leaves nothing of several keys, and a transaction that goes on', async () => {
    const holder = await locks.hold('b');
    await tx.run(async () => {
      for (const options of [{ wait: 10 }, { wait: 0 }])
        await expect(tx.advisoryLock([['a'], ['b']], options)).rejects.toMatchObject(timedOut);
      expect(await tx.advisoryLock([['a'], ['b']], { ifLocked: 'skip' })).toBe(false);
      expect(await locks.list()).toEqual([exclusive]);
      await f.save('x');
    });
    await holder.end();
    expect(await f.rows()).toEqual(['x']);
  });

  // Naive, lock_timeout alone: it counts for each key anew, so the second one gets 1.5 s more.
  it('has one budget for all keys', async () => {
    const [b, c] = [await locks.hold('b'), await locks.hold('c')];
    const begun = performance.now();
    const advisoryLock = { key: [['b'], ['c']], wait: 1_500 };
    const waiting = tx.run(async () => 1, { advisoryLock });
    waiting.catch(() => undefined);
    await locks.waiters(1);
    await f.observe('SELECT pg_sleep(1)');
    await b.end();
    await expect(waiting).rejects.toMatchObject(timedOut);
    expect(performance.now() - begun).toBeLessThan(2_500);
    await c.end();
  });

  it('cannot be longer than the transaction', async () => {
    const holder = await locks.hold('a');
    const advisoryLock = { key: 'a', wait: '20s' } as const;
    await expect(tx.run(async () => 1, { advisoryLock, timeout: 200 })).rejects.toMatchObject({
      code: 'E_TRANSACTION_TIMEOUT',
    });
    expect(await locks.list()).toEqual([exclusive]);
    await holder.end();
  });
});

describe('without waiting', () => {
  it("ifLocked: 'skip' runs nothing and resolves to undefined, 'throw' says who is in the way", async () => {
    const holder = await locks.hold('a');
    const work = (): Promise<unknown> => f.save('x');
    const skipped = await tx.run(work, { advisoryLock: { key: 'a', ifLocked: 'skip' } });
    expect(skipped).toBeUndefined();
    await expect(
      tx.run(work, { advisoryLock: { key: 'a', ifLocked: 'throw' } }),
    ).rejects.toMatchObject({ code: 'E_TRANSACTION_ADVISORY_HELD', executed: 'no' });
    await holder.end();
    expect(await f.rows()).toEqual([]);
    await tx.run(work, { advisoryLock: { key: 'a', ifLocked: 'skip' } });
    expect(await f.rows()).toEqual(['x']);
  });

  it('a skipped call that joins leaves the transaction around it alone', async () => {
    const holder = await locks.hold('a');
    await tx.run(async () => {
      await f.save('outer');
      await tx.run(() => f.save('inner'), { advisoryLock: { key: 'a', ifLocked: 'skip' } });
    });
    await holder.end();
    expect(await f.rows()).toEqual(['outer']);
  });
});

describe('rings', () => {
  // Naive, in the order they are written: the second has `b` and waits for `a`, the first the other way round.
  it('cannot form over several keys of one call', async () => {
    const holder = await locks.hold('a');
    const first = tx.run(async () => 1, { advisoryLock: [['a'], ['b']] });
    await locks.waiters(1);
    const second = tx.run(async () => 2, { advisoryLock: [['b'], ['a']] });
    await locks.waiters(2);
    await holder.end();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('of two calls each are broken by the server, for one of the two', async () => {
    const both = [deferred(), deferred()];
    const take = (mine: number, keys: readonly string[]): Promise<unknown> =>
      tx.run(async () => {
        await f.dataSource.query("SET LOCAL deadlock_timeout = '50ms'");
        await tx.advisoryLock(keys[0]!);
        both[mine]!.resolve();
        await both[1 - mine]!.promise;
        await tx.advisoryLock(keys[1]!, { wait: '20s' });
      });
    const results = await Promise.allSettled([take(0, ['a', 'b']), take(1, ['b', 'a'])]);
    expect(results.map((each) => each.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((each) => each.status === 'rejected')).toMatchObject({
      reason: {
        code: 'E_TRANSACTION_ADVISORY_DEADLOCK',
        retryable: true,
        details: { sqlstate: '40P01' },
      },
    });
  });
});

describe('readers and writers', () => {
  it('readers share, a writer waits for them', async () => {
    const readers = [
      await locks.hold('a', { mode: 'shared' }),
      await locks.hold('a', { mode: 'shared' }),
    ];
    expect(await locks.list()).toEqual([shared, shared]);
    const writer = tx.run(async () => locks.list(), { advisoryLock: 'a' });
    await locks.waiters(1);
    await readers[0]!.end();
    await locks.waiters(1);
    await readers[1]!.end();
    expect(await writer).toEqual([exclusive]);
  });

  it('a reader must not wait to become a writer, but may try', async () => {
    await tx.run(async () => {
      await tx.advisoryLock('a', { mode: 'shared' });
      await expect(tx.advisoryLock('a')).rejects.toMatchObject({
        code: 'E_TRANSACTION_ADVISORY_UPGRADE',
        executed: 'no',
      });
      expect(await tx.advisoryLock('a', { ifLocked: 'skip' })).toBe(true);
      // Now it is a writer, which may ask again.
      expect(await tx.advisoryLock('a')).toBe(true);
    });
  });
});

it('tells how long each call waited, by label and never by key', async () => {
  const events: TransactionEvents['advisoryLock'][] = [];
  const listener = (event: unknown): void => void events.push(event as (typeof events)[number]);
  subscribe(TRANSACTION_CHANNELS.advisoryLock, listener);
  try {
    const holder = await locks.hold(['secret', 1]);
    const advisoryLock = { key: ['secret', 1], wait: 20 };
    await tx.run(async () => 1, { advisoryLock, label: 'job' }).catch(() => undefined);
    await holder.end();
  } finally {
    unsubscribe(TRANSACTION_CHANNELS.advisoryLock, listener);
  }
  expect(events).toMatchObject([
    { label: 'TransactionService.run()', dataSource: 'default', outcome: 'GRANTED' },
    { label: 'job', dataSource: 'default', outcome: 'REFUSED' },
  ]);
  expect(events[1]!.waitedMs).toBeGreaterThanOrEqual(20);
  expect(JSON.stringify(events)).not.toContain('secret');
});

describe('a server that cannot lock', () => {
  // CockroachDB has the functions and does nothing in them; YugabyteDB refused them for years.
  it.each([
    ['pretends', '', 'locks nothing'],
    ['refuses', `RAISE EXCEPTION 'no' USING ERRCODE = '0A000';`, 'refused'],
  ])('and %s is found out at the first lock', async (_what, body, message) => {
    const name = `fake_${body.length}`;
    await f.observe(`CREATE SCHEMA ${name};
      CREATE FUNCTION ${name}.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE plpgsql
        AS $$ BEGIN ${body} END $$`);
    const url = String(f.dataSource.options.type === 'postgres' && f.dataSource.options.url);
    const extra = { options: `-c search_path=${name},pg_catalog,public` };
    const other = await createTransactionFixture({ url, dataSource: { extra } });
    try {
      let ran = false;
      const call = other.transactions.run(async () => (ran = true), { advisoryLock: 'a' });
      await expect(call).rejects.toMatchObject({
        code: 'E_TRANSACTION_ADVISORY_UNSUPPORTED',
        message: expect.stringContaining(message),
      });
      expect(ran).toBe(false);
      await other.expectClean();
    } finally {
      await other.close();
    }
  });
});
