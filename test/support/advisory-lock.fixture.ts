/** What the server knows about the advisory locks of a database, and a transaction that holds some. */
import type { TransactionService } from '../../libs/distributed/src/transaction/index.js';
import { deferred, type TransactionFixture } from './transaction.fixture.js';

type Arguments = Parameters<TransactionService['advisoryLock']>;

/** One row of pg_locks. */
export interface ServerLock {
  readonly granted: boolean;
  readonly mode: string;
}

/** See `createAdvisoryLockFixture`. */
export interface AdvisoryLockFixture {
  /** The advisory locks of the database, granted ones first. */
  list(): Promise<ServerLock[]>;
  /** Resolves once so many sessions wait for one. */
  waiters(count: number): Promise<void>;
  /** Opens a transaction that holds a lock until `end`, which resolves to its error, if any. */
  hold(
    key: Arguments[0],
    options?: Arguments[1],
  ): Promise<{ readonly pid: number; end(): Promise<unknown> }>;
}

/** Looks at the database of a transaction fixture. */
export function createAdvisoryLockFixture({
  transactions,
  observe,
  pid,
}: Pick<TransactionFixture, 'transactions' | 'observe' | 'pid'>): AdvisoryLockFixture {
  const list = async (): Promise<ServerLock[]> =>
    (await observe(
      `SELECT granted, mode FROM pg_locks WHERE locktype = 'advisory'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ORDER BY granted DESC, mode`,
    )) as unknown as ServerLock[];
  return {
    list,
    waiters: async (count) => {
      for (let waiting = -1; waiting !== count;)
        waiting = (await list()).filter((each) => !each.granted).length;
    },
    hold: async (key, options) => {
      const [inside, go] = [deferred<number>(), deferred()];
      const ended = transactions
        .run(async () => {
          await transactions.advisoryLock(key, options);
          inside.resolve(await pid());
          await go.promise;
        })
        .catch((error: unknown) => error);
      return {
        pid: await inside.promise,
        end: () => {
          go.resolve();
          return ended;
        },
      };
    },
  };
}
