/** A database with a fence and one number it protects, and holders that work on it. */
import pg from 'pg';
import type { FencePort } from '../../libs/distributed/src/transaction/index.js';
import {
  FENCE_TABLE,
  fencedSql,
  fenceTableSql,
  type SqlFence,
} from '../../libs/distributed/src/lock/index.js';
import { GrantedLock } from './granted-lock.fixture.js';
import { createDatabase, type TestDatabase } from './postgres.fixture.js';

/** A token as the lock store makes them: microseconds since 1970. */
export const T0 = 1_800_000_000_000_000;

/** What the transaction room sees of the locks `held` tells, as distributed.ports.ts wires it. */
export function fencePort(held: () => readonly GrantedLock[]): FencePort {
  return {
    current: (table) =>
      held().map((lock) => {
        const fence = fencedSql(lock, table ? { table } : {});
        return { lock, enter: (executor) => fence.enter(executor) };
      }),
  };
}

/** The protected resource. */
export class FenceDatabase {
  readonly key = 'account';
  readonly #clients: pg.PoolClient[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly pool: pg.Pool,
  ) {}

  static async create(): Promise<FenceDatabase> {
    const database = await createDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 6 });
    await pool.query(fenceTableSql());
    await pool.query('CREATE TABLE account (n int NOT NULL)');
    return new FenceDatabase(database, pool);
  }

  /** The number is 0, nobody has entered, no transaction is open. */
  async reset(): Promise<void> {
    this.#abandon();
    await this.pool.query(`TRUNCATE ${FENCE_TABLE}, account`);
    await this.pool.query('INSERT INTO account VALUES (0)');
  }

  /** The fence of a holder. */
  fence(token: number, key = this.key): SqlFence {
    return fencedSql(new GrantedLock(key, token));
  }

  /** A connection in a transaction. */
  async begin(isolation = 'READ COMMITTED'): Promise<pg.PoolClient> {
    const client = await this.pool.connect();
    this.#clients.push(client);
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
    return client;
  }

  /** What is committed. */
  async stored(): Promise<{ n: number; token: number }> {
    const { rows } = await this.pool.query<{ n: number; token: string | null }>(
      'SELECT n, (SELECT token FROM lock_fences WHERE key = $1) AS token FROM account',
      [this.key],
    );
    return { n: Number(rows[0]?.n), token: Number(rows[0]?.token) };
  }

  /** Resolves when `count` sessions wait for each other's locks in the server. */
  async waiting(count: number): Promise<void> {
    for (let found = -1; found < count && !this.pool.ending;) {
      const { rows } = await this.pool.query<{ found: number }>(
        `SELECT count(*)::int AS found FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      found = rows[0]?.found ?? 0;
    }
  }

  #abandon(): void {
    for (const client of this.#clients.splice(0)) client.release(true);
  }

  async close(): Promise<void> {
    this.#abandon();
    await this.pool.end();
    await this.database.drop();
  }
}

/** The number, as this transaction sees it. */
export async function read(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ n: number }>('SELECT n FROM account');
  return Number(rows[0]?.n);
}

/** Sets the number. */
export async function write(client: pg.PoolClient, n: number): Promise<void> {
  await client.query('UPDATE account SET n = $1', [n]);
}
