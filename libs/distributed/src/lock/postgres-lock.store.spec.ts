/** The PostgreSQL store against a real server: what the contract does not say, and its failures. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startPostgres } from '../../../../test/support/postgres.fixture.js';
import { SystemClock, SystemRandom } from '../time/index.js';
import { LockService } from './lock.service.js';
import type { AcquireCommand } from './lock.store.js';
import { POSTGRES_LOCK_DDL } from './postgres-lock-schema.js';
import { PostgresLockStore } from './postgres-lock.store.js';

const within = { deadlineMs: 5_000 };

let server: PostgresServer;
let pool: pg.Pool;
let store: PostgresLockStore;

function openPool(options: pg.PoolConfig = {}): pg.Pool {
  const opened = new pg.Pool({ connectionString: server.url, max: 4, ...options });
  return opened.on('error', () => {});
}

function command(owner: string, more: Partial<AcquireCommand> = {}): AcquireCommand {
  return { key: 'k', owner, leaseMs: 30_000, fences: 1, queue: false, ...more };
}

beforeAll(async () => {
  server = await startPostgres();
  pool = openPool();
  store = new PostgresLockStore(pool);
}, 60_000);

afterAll(async () => {
  await store.unwatch();
  await pool.end();
  await server.stop();
});

it('refuses semaphores, at once and whatever the wait (mutation: an outage, which is waited for)', async () => {
  const locks = new LockService(store, new SystemClock(), new SystemRandom(), {});
  const running = locks.semaphore('s', { limit: 2, wait: '1h' }).execute(() => 1);
  await expect(running).rejects.toMatchObject({ code: 'E_LOCK_FEATURE', executed: 'no' });
});

describe('the schema', () => {
  it('is asked for by a message that says how to create it', async () => {
    await expect(store.acquire(command('p:1'), within)).rejects.toMatchObject({
      code: 'E_LOCK_BACKEND',
      executed: 'no',
      message: expect.stringContaining('run POSTGRES_LOCK_DDL'),
    });
  });

  it('can be created twice', async () => {
    await pool.query(POSTGRES_LOCK_DDL);
    await pool.query(POSTGRES_LOCK_DDL);
    expect((await store.acquire(command('p:1'), within)).acquired).toBe(true);
    await store.release(command('p:1'), within);
  });
});

describe('fencing tokens', () => {
  it('grow over rows that were deleted (mutation: fence + 1)', async () => {
    const first = await store.acquire(command('p:1', { fences: 3 }), within);
    await pool.query('DELETE FROM distributed_lock');
    const second = await store.acquire(command('q:1'), within);
    if (!first.acquired || !second.acquired) throw new Error('expected the lock');
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    await store.release(command('q:1'), within);
  });

  it('grow when the server clock is behind the stored one (mutation: the clock alone)', async () => {
    const ahead = (Date.now() + 86_400_000) * 1_000;
    await pool.query('INSERT INTO distributed_lock (key, fence) VALUES ($1, $2)', ['ahead', ahead]);
    const reply = await store.acquire(command('p:1', { key: 'ahead' }), within);
    expect(reply).toMatchObject({ acquired: true, fencingToken: ahead + 1 });
  });
});

describe('a lease', () => {
  it('that is renewed at its very end is not taken over (mutation: acquire without FOR UPDATE)', async () => {
    await store.acquire(command('p:1', { key: 'late', leaseMs: 200 }), within);
    const client = await pool.connect();
    await client.query('BEGIN');
    const renewal = `SELECT distributed_lock_renew('{late}', '{p:1}', '{60000}')::text AS reply`;
    expect((await client.query<{ reply: string }>(renewal)).rows[0]?.reply).toBe('[true]');
    // What everybody else sees ends now; the rival must decide on what the renewal made of it.
    while ((await store.query('late', within)) !== null);
    const rival = store.acquire(command('q:1', { key: 'late' }), within);
    const blocked = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    while ((await pool.query(blocked)).rowCount === 0);
    await client.query('COMMIT');
    client.release();
    expect((await rival).acquired).toBe(false);
  });
});

describe('locks', () => {
  it('exclude across two applications, which wake each other', async () => {
    const pools = [openPool(), openPool()];
    const apps = pools.map((each) => {
      const own = new PostgresLockStore(each);
      return new LockService(own, new SystemClock(), new SystemRandom(), {});
    });
    const resource = { value: 0, inside: 0, overlaps: 0 };
    const work = async (locks: LockService): Promise<void> => {
      for (let round = 0; round < 15; round++) {
        await locks.execute('shared', async () => {
          if (++resource.inside > 1) resource.overlaps++;
          const read = resource.value;
          await new Promise((resolve) => setImmediate(resolve));
          resource.value = read + 1;
          resource.inside--;
        });
      }
    };
    await Promise.all([...apps, ...apps].map(work));
    expect(resource).toEqual({ value: 60, inside: 0, overlaps: 0 });
    for (const app of apps) await app.beforeApplicationShutdown();
    for (const each of pools) await each.end();
  });
});

describe('failures', () => {
  it('of a frozen server end at the deadline, and leave the pool usable', async () => {
    await store.query('k', within);
    await server.freeze();
    try {
      const frozen = store.acquire(command('p:9', { key: 'frozen' }), { deadlineMs: 100 });
      await expect(frozen).rejects.toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'unknown' });
      const [renewal] = await store.renew([command('p:9')], { deadlineMs: 100 });
      expect(renewal).toMatchObject({ status: 'rejected', reason: { code: 'E_LOCK_BACKEND' } });
    } finally {
      await server.thaw();
    }
    for (let round = 0; round < 6; round++)
      expect((await store.acquire(command('p:2', { key: 'thawed' }), within)).acquired).toBe(true);
  });

  it('to get a connection were never executed', async () => {
    const small = openPool({ max: 1 });
    const client = await small.connect();
    const starved = new PostgresLockStore(small);
    const call = starved.acquire(command('p:1', { key: 'starved' }), { deadlineMs: 50 });
    await expect(call).rejects.toMatchObject({ code: 'E_LOCK_BACKEND', executed: 'no' });
    client.release();
    expect(await starved.query('starved', within)).toBeNull();
    await small.end();
  });

  it('of the listening connection are healed, and reported (mutation: resume silently)', async () => {
    let resynced: () => void = () => {};
    let called: (owner: string) => void = () => {};
    const healed = new Promise<void>((resolve) => (resynced = resolve));
    const turn = new Promise<string>((resolve) => (called = resolve));
    await store.watch('w', {
      turn: (owner) => called(owner),
      revoked: () => {},
      resync: () => resynced(),
    });
    await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN distributed_lock_%'`,
    );
    await healed;
    await store.acquire(command('p:1', { key: 'watched' }), within);
    await store.acquire(command('w:1', { key: 'watched', queue: true }), within);
    await store.release({ key: 'watched', owner: 'p:1' }, within);
    expect(await turn).toBe('w:1');
    await store.unwatch();
  });

  it('of a server that was restarted lose no lock', async () => {
    await store.acquire(command('p:1', { key: 'durable' }), within);
    await server.kill();
    await expect(store.query('durable', within)).rejects.toMatchObject({ code: 'E_LOCK_BACKEND' });
    await server.restart();
    expect(await store.query('durable', within)).toMatchObject({ owner: 'p:1' });
  });
});
