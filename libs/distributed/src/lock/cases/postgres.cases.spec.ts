/** Complaints about locks in PostgreSQL: replies that never come, sessions that keep what they hold. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { nextEvent } from '../../../../../test/support/lock-signs.fixture.js';
import { createDatabase, type TestDatabase } from '../../../../../test/support/postgres.fixture.js';
import { createFaultProxy, type FaultProxy } from '../../testing/index.js';
import { SystemClock, SystemRandom } from '../../time/index.js';
import { LockService } from '../lock.service.js';
import { POSTGRES_LOCK_DDL } from '../postgres-lock-schema.js';
import { PostgresLockStore } from '../postgres-lock.store.js';

let database: TestDatabase;
let proxy: FaultProxy;
/** Around the proxy. */
let direct: pg.Pool;
/** Through it. */
let pool: pg.Pool;
let locks: LockService;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await createFaultProxy(database.url);
  direct = new pg.Pool({ connectionString: database.url, max: 2 });
  pool = new pg.Pool({ connectionString: proxy.url(), max: 3 });
  pool.on('error', () => {});
  await direct.query(POSTGRES_LOCK_DDL);
  const store = new PostgresLockStore(pool);
  const options = { commandTimeout: 300, shutdownGrace: 0 };
  locks = new LockService(store, new SystemClock(), new SystemRandom(), options);
}, 60_000);

afterAll(async () => {
  await locks.beforeApplicationShutdown();
  await pool.end();
  await proxy.stop();
  await direct.end();
  await database.drop();
});

const held = async (): Promise<unknown[]> =>
  (await direct.query(`SELECT key FROM distributed_lock WHERE owner IS NOT NULL`)).rows;

describe('the PostgreSQL store', () => {
  it('C34: an acquisition that timed out and got the lock all the same gives it back, and no session keeps a lock or a transaction (mutation: no chase)', async () => {
    await (await locks.acquire('warm-up')).release();
    const chased = nextEvent('chase');
    proxy.dropNextReply({ to: 'distributed_lock_acquire', keepOpen: true });
    const attempt = locks.tryAcquire('k', { lease: '60s' });
    await expect(attempt).rejects.toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    // It had been executed: somebody would have had to wait a minute for nobody.
    expect(await chased).toMatchObject({ key: 'k', outcome: 'deleted' });
    expect(await held()).toEqual([]);
    const next = await locks.acquire('k', { wait: 0 });
    const sessions = await direct.query(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database =
         (SELECT oid FROM pg_database WHERE datname = current_database())
       UNION ALL SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    );
    expect(sessions.rowCount).toBe(0);
    expect(await next.release()).toBe('released');
  });
});
