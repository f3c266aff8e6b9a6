/** The classification against errors as servers and clients really make them. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../../../../test/support/postgres.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { NetworkErrors } from './network-errors.js';

async function failureOf(work: () => Promise<unknown>): Promise<object> {
  try {
    await work();
  } catch (error) {
    const { kind, executed, source, code } = NetworkErrors.classify(error);
    return { is: `${kind}, executed: ${executed}`, source, code };
  }
  throw new Error('it did not fail');
}

describe('fetch', () => {
  let server: Server;
  let proxy: FaultProxy;
  let arrived: () => void;

  beforeAll(async () => {
    // Answers nothing, so that the fault meets a request on its way.
    server = createServer(() => arrived()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await createFaultProxy({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
    });
  });

  afterAll(async () => {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });

  const request = (signal?: AbortSignal): Promise<unknown> =>
    fetch(`http://127.0.0.1:${proxy.port}/`, signal ? { signal } : {});
  const arrival = (): Promise<void> => new Promise((resolve) => (arrived = resolve));

  it('refused: not executed', async () => {
    proxy.refuse();
    const failure = await failureOf(() => request());
    await proxy.heal();
    expect(failure).toEqual({
      is: 'transient, executed: no',
      source: 'node',
      code: 'ECONNREFUSED',
    });
  });

  it('reset while the request is being served: perhaps executed', async () => {
    const reached = arrival();
    const failure = failureOf(() => request());
    await reached;
    proxy.resetAll();
    expect(await failure).toMatchObject({ is: 'transient, executed: unknown', source: 'node' });
  });

  it('aborted by the caller: cancelled', async () => {
    const controller = new AbortController();
    const reached = arrival();
    const failure = failureOf(() => request(controller.signal));
    await reached;
    controller.abort();
    expect(await failure).toMatchObject({ is: 'cancelled, executed: unknown' });
  });
});

describe('ioredis', () => {
  let redis: RedisServer;
  const clients: Redis[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(async () => {
    // A second disconnect of a closed client would keep a timer of ioredis for two seconds.
    for (const each of clients) if (each.status !== 'end') each.disconnect();
    await redis.stop();
  });

  function client(options: object = {}, port = redis.port): Redis {
    const made = new Redis({ host: redis.host, port, lazyConnect: true, ...options });
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  }

  it('a closed client', async () => {
    const closed = client();
    await closed.connect();
    closed.disconnect();
    expect(await failureOf(() => closed.get('a'))).toMatchObject({
      is: 'transient, executed: unknown',
    });
  });

  it('a server that is not there', async () => {
    const proxy = await createFaultProxy({ host: redis.host, port: redis.port });
    proxy.refuse();
    const lonely = client(
      { maxRetriesPerRequest: 0, retryStrategy: (tries: number) => (tries > 3 ? null : 1) },
      proxy.port,
    );
    expect(await failureOf(() => lonely.get('a'))).toMatchObject({
      is: 'transient, executed: unknown',
    });
    const offline = client({ enableOfflineQueue: false, retryStrategy: () => null }, proxy.port);
    expect(await failureOf(() => offline.get('a'))).toMatchObject({
      is: 'transient, executed: no',
    });
    await proxy.stop();
  });

  it('a server that does not answer', async () => {
    const proxy = await createFaultProxy({ host: redis.host, port: redis.port });
    const waiting = client(
      { commandTimeout: 50, enableReadyCheck: false, retryStrategy: () => null },
      proxy.port,
    );
    await waiting.connect();
    proxy.blackhole('down');
    expect(await failureOf(() => waiting.incr('a'))).toMatchObject({
      is: 'transient, executed: unknown',
    });
    await proxy.stop();
  });

  it('replies', async () => {
    const connected = client();
    await connected.set('text', 'a');
    const replies = {
      WRONGTYPE: await failureOf(() => connected.lpush('text', '1')),
      NOSCRIPT: await failureOf(() => connected.evalsha('0'.repeat(40), 0)),
      NOGROUP: await failureOf(() => connected.xreadgroup('GROUP', 'g', 'c', 'STREAMS', 's', '>')),
    };
    await connected.config('SET', 'maxmemory', '1');
    const oom = await failureOf(() => connected.set('more', 'x'));
    await connected.config('SET', 'maxmemory', '0');
    await connected.replicaof('127.0.0.1', 1);
    const readonly = await failureOf(() => connected.set('more', 'x'));
    expect(replies).toMatchObject({
      WRONGTYPE: { is: 'permanent, executed: yes', source: 'redis' },
      NOSCRIPT: { is: 'transient, executed: no', code: 'NOSCRIPT' },
      NOGROUP: { is: 'transient, executed: no', code: 'NOGROUP' },
    });
    expect(oom).toEqual({ is: 'overloaded, executed: no', source: 'redis', code: 'OOM' });
    expect(readonly).toEqual({ is: 'transient, executed: no', source: 'redis', code: 'READONLY' });
  });
});

describe('pg (T26)', () => {
  let database: TestDatabase;
  const clients: pg.Client[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    const setUp = await client();
    await setUp.query('CREATE TABLE account (id int PRIMARY KEY, amount int)');
    await setUp.query('INSERT INTO account VALUES (1, 0), (2, 0)');
  });

  afterAll(async () => {
    await Promise.allSettled(clients.map((each) => each.end()));
    await database.drop();
  });

  async function client(): Promise<pg.Client> {
    const made = new pg.Client(database.url);
    made.on('error', () => undefined);
    clients.push(made);
    await made.connect();
    return made;
  }

  const add = (id: number): string => `UPDATE account SET amount = amount + 1 WHERE id = ${id}`;

  it('a serialization failure is rolled back', async () => {
    const [a, b] = [await client(), await client()];
    for (const each of [a, b]) {
      await each.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await each.query('SELECT * FROM account');
    }
    await a.query(add(1));
    await a.query('COMMIT');
    expect(await failureOf(() => b.query(add(1)))).toEqual({
      is: 'transient, executed: no',
      source: 'postgres',
      code: '40001',
    });
    await b.query('ROLLBACK');
  });

  it('a deadlock is rolled back', async () => {
    const [a, b] = [await client(), await client()];
    for (const each of [a, b]) await each.query("BEGIN; SET LOCAL deadlock_timeout = '10ms'");
    await a.query(add(1));
    await b.query(add(2));
    const outcomes = await Promise.allSettled([a.query(add(2)), b.query(add(1))]);
    const loser = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(NetworkErrors.classify(loser?.reason)).toMatchObject({ code: '40P01', executed: 'no' });
    await Promise.all([a.query('ROLLBACK'), b.query('ROLLBACK')]);
  });

  it('a terminated backend may have done the work', async () => {
    const [victim, killer] = [await client(), await client()];
    const { rows } = await victim.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const failure = failureOf(() => victim.query('SELECT pg_sleep(60)'));
    await killer.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    expect(await failure).toMatchObject({ is: 'transient, executed: unknown', source: 'postgres' });
    // The client is dead now, and says so in words only.
    expect(await failureOf(() => victim.query('SELECT 1'))).toMatchObject({
      is: 'transient, executed: unknown',
    });
  });

  it('constraints, a statement timeout, a read-only transaction', async () => {
    const connected = await client();
    const failures = [
      await failureOf(() => connected.query('INSERT INTO account VALUES (1, 0)')),
      await failureOf(() => connected.query("SET statement_timeout = '10ms'; SELECT pg_sleep(60)")),
    ];
    await connected.query('SET default_transaction_read_only = on');
    failures.push(await failureOf(() => connected.query(add(1))));
    expect(failures).toMatchObject([
      { is: 'permanent, executed: yes', code: '23505' },
      { is: 'transient, executed: no', code: '57014' },
      { is: 'transient, executed: no', code: '25006' },
    ]);
  });

  it('nobody listens', async () => {
    const proxy = await createFaultProxy(database.url);
    proxy.refuse();
    const lonely = new pg.Client(proxy.url());
    expect(await failureOf(() => lonely.connect())).toMatchObject({
      is: 'transient, executed: no',
    });
    await proxy.stop();
  });
});
