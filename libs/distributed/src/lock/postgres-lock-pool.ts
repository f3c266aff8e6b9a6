/** Calls through a pool of PostgreSQL connections, each settled by its own deadline. */
import type { Clock } from '../time/index.js';
import { LockBackendError } from './lock.errors.js';

/** What the store needs of a checked-out client; the `PoolClient` of `pg` is one. */
export interface PostgresLockClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: 'notification', listener: (message: { payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  /** @param destroy closes the connection instead of giving it back */
  release(destroy?: boolean): void;
}

/** What the store needs of a pool; the `Pool` of `pg` is one. It stays yours. */
export interface PostgresLockPool {
  connect(): Promise<PostgresLockClient>;
}

/** One call: `reply` is the one column of the one row it returns. */
export interface PostgresCall {
  readonly text: string;
  readonly values: unknown[];
  readonly deadlineMs: number;
}

/** The state of one call, shared with its deadline. */
interface Flight {
  client: PostgresLockClient | undefined;
  over: boolean;
}

/** SQLSTATEs of a missing table, function, column or schema. */
const NO_SCHEMA: readonly unknown[] = ['42P01', '42883', '42703', '3F000'];

/** A broken connection ends the query on it, which reports it; without a listener Node would throw. */
const ignore = (): void => {};

/**
 * Calls, and gives up after the deadline: a connection that hangs is closed, not given back.
 * @throws LockBackendError `E_LOCK_BACKEND`; `executed` is `'no'` when nothing was sent, or when the
 *   server refused, which rolls back
 */
export async function callPostgres(
  pool: PostgresLockPool,
  clock: Clock,
  call: PostgresCall,
): Promise<unknown> {
  const flight: Flight = { client: undefined, over: false };
  const answer = send(pool, call, flight);
  return await new Promise((resolve, reject) => {
    const expire = (): void => {
      const { client } = flight;
      flight.over = true;
      client?.release(true);
      const what = client ? 'no reply' : 'no connection of the pool was free';
      reject(
        new LockBackendError(`${what} within ${call.deadlineMs} ms`, {
          executed: client ? 'unknown' : 'no',
        }),
      );
    };
    const timer = clock.setTimer(expire, call.deadlineMs, { keepAlive: true });
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}

async function send(pool: PostgresLockPool, call: PostgresCall, flight: Flight): Promise<unknown> {
  const client = await connect(pool);
  if (flight.over) {
    client.release();
    return undefined;
  }
  flight.client = client;
  client.on('error', ignore);
  let isBroken = true;
  try {
    const { rows } = await client.query(call.text, call.values);
    isBroken = false;
    const reply = rows[0]?.['reply'];
    return typeof reply === 'string' ? JSON.parse(reply) : null;
  } catch (error) {
    isBroken = !isRefusal(error);
    throw backendError(error, isBroken ? 'unknown' : 'no');
  } finally {
    if (!flight.over) {
      flight.over = true;
      if (!isBroken) client.off('error', ignore);
      client.release(isBroken);
    }
  }
}

/** @throws LockBackendError `E_LOCK_BACKEND` when there is no connection */
export async function connect(pool: PostgresLockPool): Promise<PostgresLockClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw backendError(error, 'no');
  }
}

/** Errors of the server, after which the connection is good; not those that announce its end. */
function isRefusal(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity === 'ERROR' && typeof code === 'string' && !code.startsWith('57P');
}

/** The failure as the port has it. */
export function backendError(error: unknown, executed: 'no' | 'unknown'): LockBackendError {
  const problem = error instanceof Error ? error.message || error.name : String(error);
  const advice = NO_SCHEMA.includes((error as { code?: unknown } | null)?.code)
    ? '; create its tables and functions: run POSTGRES_LOCK_DDL of nestjs-distributed/lock in a migration'
    : '';
  return new LockBackendError(`${problem}${advice}`, { executed, cause: error });
}
