/** The table that remembers, per lock, the largest fencing token a database has seen; and its SQL. */
import { InvalidOptionsError } from '../distributed.errors.js';
import { type Duration, toMs } from '../time/index.js';

/** Where fences are kept unless another table is named. */
export const FENCE_TABLE = 'lock_fences';

/**
 * The statement that creates the table, for a migration. One table per database that is written
 * under locks; in a partitioned application one per shard.
 * @param table `name` or `schema.name`; default `lock_fences`
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` when it is no plain name
 */
export function fenceTableSql(table: string = FENCE_TABLE): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (key text PRIMARY KEY, token bigint NOT NULL)`;
}

/**
 * The statement that forgets locks nobody took for `olderThan`. A row may go only when no holder
 * with a smaller token can be alive any more, however long it was frozen: days, not minutes. Tokens
 * are microseconds of the lock server's clock, so the age is in the token itself. A row that is
 * being advanced at the same time stays.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` under one hour
 */
export function pruneFencesSql(olderThan: Duration, table: string = FENCE_TABLE): string {
  const ms = toMs(olderThan, 'pruneFencesSql(olderThan)');
  if (ms < HOUR_MS)
    throw new InvalidOptionsError(
      'pruneFencesSql(olderThan)',
      'must be at least one hour: a row that goes too early lets a late holder in',
    );
  const age = `${Math.ceil(ms)} * 1000::bigint`;
  return `DELETE FROM ${quoted(table)} WHERE token < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - ${age}`;
}

/** The statement that advances a fence: $1 key, $2 token. No row returned: a later holder was here. */
export function enterFenceSql(table: string): string {
  const name = quoted(table);
  return (
    `INSERT INTO ${name} AS fence (key, token) VALUES ($1, $2) ` +
    'ON CONFLICT (key) DO UPDATE SET token = excluded.token WHERE fence.token <= excluded.token ' +
    'RETURNING token'
  );
}

/** The statement that reads a fence: $1 key. For operators and messages. */
export function readFenceSql(table: string): string {
  return `SELECT token FROM ${quoted(table)} WHERE key = $1`;
}

const HOUR_MS = 3_600_000;

function quoted(table: string): string {
  const parts = table.split('.');
  if (parts.length > 2 || !parts.every((part) => /^[A-Za-z_][A-Za-z0-9_$]{0,62}$/.test(part)))
    throw new InvalidOptionsError(
      'fence table',
      `expected a plain name such as 'lock_fences' or 'app.lock_fences', received '${table}'`,
    );
  return parts.map((part) => `"${part}"`).join('.');
}
