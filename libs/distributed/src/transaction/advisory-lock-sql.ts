/**
 * The statements of an advisory lock. They travel in one message of the simple protocol, i.e. in one
 * round trip, and are transaction-level only: a pooler in transaction mode can stand between.
 */
import type { AdvisoryLockRequest } from './advisory-lock.options.js';

const SAVEPOINT = 'nestjs_distributed_advisory_lock';
/** Where the caller's own `lock_timeout` is kept meanwhile. */
const KEPT = 'nestjs_distributed.lock_timeout';
/** It may have been set by hand, or changed on the server since the application began. */
const ISOLATION = "current_setting('transaction_isolation') AS isolation";
const MAX_TIMEOUT_MS = 2_147_483_647;

/** What the hashed texts begin with: apart from numbers that applications choose themselves. */
export const ADVISORY_LOCK_PREFIX = 'nestjs-distributed:advisory:';

/**
 * The text whose `hashtextextended(…, 0)` is locked: printable ASCII without quotes, so that it means
 * the same in every encoding and needs no escaping.
 */
export function advisoryLockText(key: string): string {
  return (
    ADVISORY_LOCK_PREFIX +
    key.replace(/[^\x21-\x7e]|['\\]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    )
  );
}

/**
 * Waits for each key in turn, all within `waitMs`, and puts `lock_timeout` back. In a savepoint: what
 * fails is undone by `undoLock` and leaves nothing, not even a lock granted at the last moment. One
 * of the answers has a column `isolation`.
 */
export function waitForLock({ keys, mode, waitMs }: AdvisoryLockRequest): string[] {
  const budget = Math.min(Math.max(1, Math.ceil(waitMs)), MAX_TIMEOUT_MS);
  // lock_timeout counts for each lock anew; the time of the message is when all of them began.
  const left = `greatest(1, least(${budget}, ceil(${budget} - 1000 * extract(epoch FROM clock_timestamp() - statement_timestamp()))))::bigint::text`;
  return [
    `SAVEPOINT ${SAVEPOINT}`,
    `SELECT set_config('${KEPT}', current_setting('lock_timeout'), true), ${ISOLATION}`,
    ...keys.flatMap((key, index) => [
      index === 0
        ? `SET LOCAL lock_timeout = ${budget}`
        : `SELECT set_config('lock_timeout', ${left}, true)`,
      `SELECT ${callOf('pg_advisory_xact_lock', mode, key)}`,
    ]),
    `SELECT set_config('lock_timeout', current_setting('${KEPT}'), true)`,
    `RELEASE SAVEPOINT ${SAVEPOINT}`,
  ];
}

/** Takes one key if it is free; the column `locked` of the answer says so. */
export function tryLock(key: string, mode: AdvisoryLockRequest['mode']): string {
  return `SELECT ${callOf('pg_try_advisory_xact_lock', mode, key)} AS locked, ${ISOLATION}`;
}

/** Undoes what `waitForLock` began, after it failed; the transaction goes on. */
export function undoLock(): string[] {
  return [`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`, `RELEASE SAVEPOINT ${SAVEPOINT}`];
}

/** Whether this session has any advisory lock: some servers have the functions and lock nothing. */
export const PROVE_LOCKED =
  "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()) AS locked";

function callOf(name: string, mode: AdvisoryLockRequest['mode'], key: string): string {
  const suffix = mode === 'shared' ? '_shared' : '';
  return `${name}${suffix}(hashtextextended('${advisoryLockText(key)}', 0))`;
}
