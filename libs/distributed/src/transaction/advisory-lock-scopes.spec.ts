/** Advisory locks and the scopes they are taken in: joined calls, savepoints, transactions inside others. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AdvisoryLockFixture,
  createAdvisoryLockFixture,
} from '../../../../test/support/advisory-lock.fixture.js';
import {
  boom,
  createTransactionFixture,
  createTransactionService,
  deferred,
  type TransactionFixture,
} from '../../../../test/support/transaction.fixture.js';
import { Propagation, type TransactionService } from './index.js';
import { TransactionContext } from './transaction-context.js';
import type { TransactionScope } from './transaction-scope.js';

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

const { REQUIRES_NEW, NESTED, NOT_SUPPORTED, MANDATORY } = Propagation;
const exclusive = { granted: true, mode: 'ExclusiveLock' };
const selfDeadlock = { code: 'E_TRANSACTION_ADVISORY_SELF_DEADLOCK', executed: 'no' };

describe('a call that joins', () => {
  it('takes the lock in the transaction around it, which keeps it until its end', async () => {
    await tx.run(async () => {
      await tx.run(async () => {}, { advisoryLock: 'a' });
      await tx.run(async () => {}, { advisoryLock: 'b', propagation: MANDATORY });
      expect(await locks.list()).toEqual([exclusive, exclusive]);
    });
  });

  it('is inside already when its transaction holds the lock, side by side as well', async () => {
    const work = (): Promise<unknown> => tx.run(() => locks.list(), { advisoryLock: 'a' });
    const seen = await tx.run(() => Promise.all([work(), work()]), { advisoryLock: 'a' });
    expect(seen).toEqual([[exclusive], [exclusive]]);
  });

  it('takes the transaction around it along when the wait is over', async () => {
    const holder = await locks.hold('a');
    const outer = tx.run(async () => {
      await f.save('outer');
      await tx.run(async () => {}, { advisoryLock: { key: 'a', wait: 5 } }).catch(() => {});
    });
    await expect(outer).rejects.toMatchObject({
      code: 'E_TRANSACTION_UNEXPECTED_ROLLBACK',
      cause: { code: 'E_TRANSACTION_ADVISORY_TIMEOUT' },
    });
    await holder.end();
    expect(await f.rows()).toEqual([]);
  });
});

describe('a savepoint', () => {
  const options = { propagation: NESTED, advisoryLock: 'a' } as const;

  it('hands its lock to the transaction when it is kept', async () => {
    await tx.run(async () => {
      await tx.run(() => f.save('inner'), options);
      expect(await locks.list()).toEqual([exclusive]);
    });
  });

  it('gives its lock back when it is rolled back, while the transaction goes on', async () => {
    await tx.run(async () => {
      await f.save('outer');
      await tx.run(async () => boom(), options).catch(() => {});
      expect(await locks.list()).toEqual([]);
      // Nobody in this call chain holds it any more, so another transaction may wait for it.
      await tx.run(() => f.save('new'), { propagation: REQUIRES_NEW, advisoryLock: 'a' });
    });
    expect(await f.rows()).toEqual(['new', 'outer']);
  });

  it('does not give back what the transaction took before', async () => {
    await tx.run(
      async () => {
        await tx.run(async () => boom(), options).catch(() => {});
        expect(await locks.list()).toEqual([exclusive]);
        await expect(
          tx.run(async () => {}, { propagation: REQUIRES_NEW, advisoryLock: 'a' }),
        ).rejects.toMatchObject(selfDeadlock);
      },
      { advisoryLock: 'a' },
    );
  });

  it('is undone alone when the wait is over', async () => {
    const holder = await locks.hold('a');
    await tx.run(async () => {
      await f.save('outer');
      const advisoryLock = { key: 'a', wait: 5 };
      await expect(
        tx.run(() => f.save('inner'), { propagation: NESTED, advisoryLock }),
      ).rejects.toMatchObject({ code: 'E_TRANSACTION_ADVISORY_TIMEOUT' });
    });
    await holder.end();
    expect(await f.rows()).toEqual(['outer']);
  });
});

describe('a transaction inside another one', () => {
  const inner = (settings: object = {}): Promise<unknown> =>
    tx.run(() => f.save('inner'), {
      propagation: REQUIRES_NEW,
      advisoryLock: { key: 'a', ...settings },
    });

  // Naive: it waits for the one around it, which waits for it, and no server can see that.
  it('is refused the lock that the outer one holds, at once and before it runs', async () => {
    await tx.run(
      async () => {
        await expect(inner()).rejects.toMatchObject(selfDeadlock);
        await expect(tx.run(() => inner(), { propagation: NOT_SUPPORTED })).rejects.toMatchObject(
          selfDeadlock,
        );
      },
      { advisoryLock: [['a'], ['b']] },
    );
    expect(await f.rows()).toEqual([]);
  });

  it('also when a savepoint or a joined call of the outer one took it', async () => {
    await tx.run(async () => {
      await tx.run(async () => {}, { propagation: NESTED, advisoryLock: 'a' });
      await expect(inner()).rejects.toMatchObject(selfDeadlock);
    });
  });

  it('may try, and may share what is shared', async () => {
    await tx.run(
      async () => {
        expect(await inner({ ifLocked: 'skip' })).toBeUndefined();
        await expect(inner({ ifLocked: 'throw' })).rejects.toMatchObject({
          code: 'E_TRANSACTION_ADVISORY_HELD',
        });
      },
      { advisoryLock: 'a' },
    );
    await tx.run(
      async () => {
        await expect(inner()).rejects.toMatchObject(selfDeadlock);
        await inner({ mode: 'shared' });
      },
      { advisoryLock: { key: 'a', mode: 'shared' } },
    );
    expect(await f.rows()).toEqual(['inner']);
  });

  it('may have it once the outer one has ended: in its after-hooks', async () => {
    const done: unknown[] = [];
    await tx.run(
      async () => {
        tx.onAfterCommit(async () => void done.push(await inner()));
      },
      { advisoryLock: 'a' },
    );
    expect(done).toHaveLength(1);
    expect(f.hookErrors).toEqual([]);
  });

  it('may have it once the outer one has ended under way', async () => {
    const [asked, go] = [deferred(), deferred()];
    let detached: Promise<unknown> | undefined;
    await tx.run(
      async () => {
        const work = async (): Promise<boolean> => {
          asked.resolve();
          await go.promise;
          return tx.advisoryLock('a');
        };
        detached = tx.run(work, { propagation: REQUIRES_NEW });
        await asked.promise;
      },
      { advisoryLock: 'a' },
    );
    go.resolve();
    expect(await detached).toBe(true);
  });

  it('may have it in another database, where the same key is another lock', async () => {
    const [one, other] = [await createTransactionFixture(), await createTransactionFixture()];
    try {
      // One application with two DataSources: it knows both transactions.
      const both = createTransactionService({
        dataSources: { default: one.dataSource, other: other.dataSource },
      });
      const run = both.run(
        () => both.run(async () => 'both', { dataSource: 'other', advisoryLock: 'a' }),
        { advisoryLock: 'a' },
      );
      expect(await run).toBe('both');
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });
});

it('rounds that each begin in the last one do not keep what has ended', async () => {
  const context = new TransactionContext();
  const scope = (): TransactionScope => ({ transaction: { ended: false } }) as TransactionScope;
  const rounds = async (left: number): Promise<number> => {
    const round = scope();
    return context.enter({}, { scope: round, joined: false }, async () => {
      const inside = context.enclosing().length;
      round.transaction.ended = true;
      return left === 0 ? inside : rounds(left - 1);
    });
  };
  expect(await rounds(50)).toBe(1);
});

it('outside of a transaction there is nothing the lock could live in', async () => {
  const required = { code: 'E_TRANSACTION_REQUIRED' };
  await expect(tx.advisoryLock('a')).rejects.toMatchObject(required);
  await tx.run(async () => {
    const suspended = tx.run(() => tx.advisoryLock('a'), { propagation: NOT_SUPPORTED });
    await expect(suspended).rejects.toMatchObject(required);
    await expect(
      tx.run(async () => {}, { propagation: NOT_SUPPORTED, advisoryLock: 'a' }),
    ).rejects.toMatchObject({ code: 'E_OPTIONS_INVALID' });
  });
});
