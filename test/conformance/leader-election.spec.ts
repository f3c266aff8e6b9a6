/** One election on every store: the same rules, and the same fence at the resource. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  currentLock,
  fencedSql,
  fenceTableSql,
  type LeaderElection,
  LockService,
  type LockStore,
  POSTGRES_LOCK_DDL,
  PostgresLockStore,
  RedlockStore,
} from '../../libs/distributed/src/lock/index.js';
import { MemoryLockStore } from '../../libs/distributed/src/testing/index.js';
import { SystemClock, SystemRandom } from '../../libs/distributed/src/time/index.js';
import { LockNode } from '../support/lock-node.fixture.js';
import { createDatabase, type TestDatabase } from '../support/postgres.fixture.js';
import { type RedisServer, startRedis } from '../support/redis.fixture.js';

let database: TestDatabase;
let pools: [pg.Pool, pg.Pool];
let redis: RedisServer;
let masters: RedisServer[];
const memory = new MemoryLockStore();

beforeAll(async () => {
  [database, redis] = await Promise.all([createDatabase(), startRedis()]);
  masters = await Promise.all([startRedis(), startRedis(), startRedis()]);
  const open = (): pg.Pool => new pg.Pool({ connectionString: database.url, max: 4 });
  pools = [open(), open()];
  await pools[0].query(POSTGRES_LOCK_DDL);
  await pools[0].query(fenceTableSql());
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await Promise.all([database.drop(), ...[redis, ...masters].map((server) => server.stop())]);
});

/** A service of one application, and its end. */
interface Application {
  readonly locks: LockService;
  stop(): Promise<void>;
}

function on(store: LockStore): Application {
  const locks = new LockService(store, new SystemClock(), new SystemRandom(), {});
  return { locks, stop: () => locks.beforeApplicationShutdown() };
}

/** The work of a leader: refused when the resource has seen a later one. */
async function work(election: LeaderElection): Promise<string | undefined> {
  return await election.execute(async () => {
    const lock = currentLock();
    if (!lock) throw new Error('no leadership');
    return await enter(fencedSql(lock));
  });
}

async function enter(fence: ReturnType<typeof fencedSql>): Promise<string> {
  const client = await pools[0].connect();
  try {
    await client.query('BEGIN');
    await fence.enter(client);
    await client.query('COMMIT');
    return 'worked';
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

describe.each<[string, (n: 0 | 1) => Application | Promise<Application>]>([
  ['Redis', () => LockNode.start(redis.url)],
  ['PostgreSQL', (n) => on(new PostgresLockStore(pools[n]))],
  ['memory', () => on(memory.peer())],
])('an election on %s', (name, start) => {
  it('has one leader; a shutdown and a force pass it on, and the resource refuses the old one', async () => {
    const [first, second] = [await start(0), await start(1)];
    const [leader, heir] = [first, second].map(({ locks }) => locks.election(name)) as [
      LeaderElection,
      LeaderElection,
    ];
    const term = await leader.campaign();
    const inherited = heir.campaign();
    expect([await work(leader), await work(heir)]).toEqual(['worked', undefined]);
    expect(await heir.query()).toMatchObject({ fencingToken: term.fencingToken });

    expect(await second.locks.forceRelease(['election', name])).toBe(true);
    const next = await inherited;
    expect(next.fencingToken).toBeGreaterThan(term.fencingToken);
    expect(await work(heir)).toBe('worked');
    expect(term.signal.aborted).toBe(true);
    await expect(enter(fencedSql(term))).rejects.toMatchObject({ code: 'E_LOCK_STALE' });

    const [again] = await Promise.all([leader.campaign(), second.stop()]);
    expect(again.fencingToken).toBeGreaterThan(next.fencingToken);
    expect(await work(leader)).toBe('worked');
    await first.stop();
    expect(leader.isLeader).toBe(false);
  });
});

describe('an election on Redlock', () => {
  it('has one leader, without a number of its term; a shutdown passes it on', async () => {
    const nodes = masters.map(({ url }) => ({ url }));
    const open = (): Application => on(new RedlockStore({ nodes, restartDelay: 0 }));
    const [first, second] = [open(), open()];
    const [leader, heir] = [first, second].map(({ locks }) => locks.election('redlock')) as [
      LeaderElection,
      LeaderElection,
    ];
    expect((await leader.campaign()).fencingToken).toBe(0);
    const inherited = heir.campaign();
    expect(await leader.execute(() => 'worked')).toBe('worked');
    expect(await heir.execute(() => 'worked')).toBeUndefined();
    await first.stop();
    await inherited;
    expect([leader.isLeader, heir.isLeader]).toEqual([false, true]);
    await second.stop();
  });
});
