/**
 * A fence in front of SQL: whoever comes later than a newer holder of the same lock is refused by
 * the database itself, whatever it believes about its lease (Kleppmann, "How to do distributed
 * locking", 2016; with the fence at the first read as well, or two readers lose an update).
 */
import { enterFenceSql, FENCE_TABLE, fenceTableSql, readFenceSql } from './fence-table.js';
import type { Lock } from './lock.js';
import { FenceUnusableError, StaleLockError, UnfencedLockError } from './lock.errors.js';
import { lockEvents } from './lock.events.js';

/**
 * Sends one statement: TypeORM's EntityManager or QueryRunner, a `pg` client, or anything alike.
 * Both ways of answering are understood: an array of rows, or an object with `rows`.
 */
export interface SqlExecutor {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** How a fence is kept. */
export interface FencedSqlOptions {
  /**
   * `name` or `schema.name`. All who work under a lock must use the same. Default `'lock_fences'`.
   */
  readonly table?: string;
}

/** The fence of one lock; of a lock of several keys, the fences of all of them. */
export interface SqlFence {
  /** The key of the lock; the row of the table. */
  readonly key: string;
  /** The token of this holder; 0 with several keys, each of which has its own. */
  readonly fencingToken: number;
  /**
   * Advances the fence to this holder and keeps later holders waiting until the transaction ends.
   * Call it first of all in the transaction, before the first read. Repeating it is harmless.
   * @throws StaleLockError `E_LOCK_STALE` when a later holder was here; let it through
   * @throws FenceUnusableError `E_LOCK_FENCE` without the table, or outside of a transaction
   */
  enter(executor: SqlExecutor): Promise<void>;
}

/**
 * The fence of `lock`.
 * @throws UnfencedLockError `E_LOCK_UNFENCED` when the lock has no token
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` for a table that is no plain name
 *
 * @example
 * await dataSource.transaction(async (manager) => {
 *   await fencedSql(lock).enter(manager);
 *   … // read, decide, write
 * });
 */
export function fencedSql(
  { key, fencingToken, members }: Lock,
  { table = FENCE_TABLE }: FencedSqlOptions = {},
): SqlFence {
  const unfenced = members.find((member) => !(member.fencingToken > 0));
  if (unfenced) throw new UnfencedLockError(unfenced.key);
  const statement = enterFenceSql(table);
  return {
    key,
    fencingToken,
    async enter(executor) {
      // In the order of the keys, as everybody does: transactions do not wait for each other in a ring.
      for (const member of members) await enterOne(member, { executor, statement, table });
      await assertInTransaction(executor);
    },
  };
}

async function enterOne(
  { name, key, fencingToken }: Lock,
  { executor, statement, table }: { executor: SqlExecutor; statement: string; table: string },
): Promise<void> {
  const rows = await send(executor, statement, [key, fencingToken], table);
  if (rows.length > 0) return;
  lockEvents.emit('stale', () => ({ name, key, fencingToken, resource: 'sql' }));
  throw new StaleLockError(key, fencingToken, await seen(executor, table, key));
}

const UNDEFINED_TABLE = '42P01';

async function send(
  executor: SqlExecutor,
  sql: string,
  parameters: unknown[],
  table: string,
): Promise<unknown[]> {
  try {
    return rowsOf(await executor.query(sql, parameters));
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    throw new FenceUnusableError(
      `the table '${table}' does not exist in this database. Create it in a migration: ${fenceTableSql(table)}`,
      { cause: error },
    );
  }
}

function rowsOf(answer: unknown): unknown[] {
  const rows = Array.isArray(answer) ? answer : (answer as { rows?: unknown } | undefined)?.rows;
  if (Array.isArray(rows)) return rows;
  throw new FenceUnusableError(
    'the executor answered neither with rows nor with { rows }. Pass an EntityManager, a QueryRunner or a pg client.',
  );
}

/** For the message alone; pg sends a bigint as text. */
async function seen(
  executor: SqlExecutor,
  table: string,
  key: string,
): Promise<number | undefined> {
  try {
    const [row] = rowsOf(await executor.query(readFenceSql(table), [key]));
    const token = Number((row as { token?: unknown } | undefined)?.token);
    return Number.isFinite(token) ? token : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A fence whose row lock ends with its own statement protects nothing after it. Only an executor
 * that does not know about its transaction costs a question.
 */
async function assertInTransaction(executor: SqlExecutor): Promise<void> {
  if (knowsItsTransaction(executor)) return;
  const [row] = rowsOf(
    await executor.query('SELECT txid_current_if_assigned() IS NOT NULL AS inside'),
  );
  if ((row as { inside?: unknown } | undefined)?.inside === true) return;
  throw new FenceUnusableError(
    'enter() was called outside of a transaction, where it holds for one statement only. ' +
      'Open a transaction on this very connection first, and pass its manager, runner or client.',
  );
}

function knowsItsTransaction(executor: SqlExecutor): boolean {
  const { isTransactionActive, queryRunner } = executor as {
    isTransactionActive?: unknown;
    queryRunner?: { isTransactionActive?: unknown };
  };
  return isTransactionActive === true || queryRunner?.isTransactionActive === true;
}

function sqlState(error: unknown): unknown {
  const { code, driverError } = (error ?? {}) as { code?: unknown; driverError?: unknown };
  return code ?? (driverError === undefined ? undefined : sqlState(driverError));
}
