/** Every call settles in time and tells the truth about its execution. Jest fails on any unhandled rejection. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  nextDeadSocket,
  nextRedisState,
  SHORT,
} from '../../../../test/support/redis-state.fixture.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { RedisConnection } from './redis.connection.js';
import type { RedisProfileOptions } from './redis.options.js';

describe('RedisConnection', () => {
  let server: RedisServer;
  let proxy: FaultProxy;
  /** Looks at the server past the proxy. */
  let judge: Redis;
  let open: RedisConnection[];
  let counter: string;

  beforeAll(async () => {
    server = await startRedis();
    proxy = await createFaultProxy(server.url);
    judge = new Redis(server.url);
  });

  afterAll(async () => {
    judge.disconnect();
    await proxy.stop();
    await server.stop();
  });

  beforeEach(() => {
    open = [];
    // A new one for each test: what a black hole held back is executed when it heals.
    counter = `n:${randomUUID()}`;
  });

  afterEach(async () => {
    await server.thaw();
    await proxy.heal();
    await Promise.all(open.map((connection) => connection.close()));
  });

  async function connect(options: RedisProfileOptions = {}): Promise<RedisConnection> {
    const connection = await RedisConnection.connect({ ...SHORT, ...options, url: proxy.url() });
    open.push(connection);
    return connection;
  }

  const increment = (connection: RedisConnection, options = {}): Promise<number> =>
    connection.execute('increment', (client) => client.incr(counter), options);

  it('that is opened waits for nothing, fails meanwhile, and works once the server is there', async () => {
    proxy.refuse();
    const options = { ...SHORT, url: proxy.url(), bootTimeout: '1h' } as const;
    const connection = RedisConnection.open(options, 'nodes[0]');
    open.push(connection);
    expect(connection.up).toBe(false);
    await expect(increment(connection)).rejects.toMatchObject({ executed: 'no' });
    const up = nextRedisState('commands', 'up');
    await proxy.heal();
    await up;
    expect(await increment(connection)).toBe(1);
    expect(() => RedisConnection.open({ url: 'one' }, 'nodes[0]')).toThrow('nodes[0].url');
  });

  it('passes replies on, and errors of commands unchanged', async () => {
    const connection = await connect();
    expect(await increment(connection)).toBe(1);
    await judge.set('text', 'a');
    await expect(
      connection.execute('push', (client) => client.lpush('text', 'b')),
    ).rejects.toMatchObject({ message: expect.stringMatching(/^WRONGTYPE/) });
    expect({ up: connection.up, topology: connection.topology }).toEqual({
      up: true,
      topology: 'standalone',
    });
  });

  describe('when a reply is lost', () => {
    it('sends the call again and settles with the second reply', async () => {
      const connection = await connect();
      proxy.dropNextReply({ to: 'incr' });
      expect(await increment(connection)).toBe(2);
    });

    it('does not send again what must not be repeated, and says that it may be executed', async () => {
      const connection = await connect();
      proxy.dropNextReply({ to: 'incr' });
      await expect(increment(connection, { resend: false })).rejects.toMatchObject({
        code: 'E_REDIS_UNAVAILABLE',
        executed: 'unknown',
      });
      expect(await judge.get(counter)).toBe('1');
    });
  });

  describe('behind a dead network path', () => {
    it('gives up at its deadline, although the server has executed the call', async () => {
      const connection = await connect({ heartbeatInterval: '1h' });
      proxy.blackhole('down');
      const start = performance.now();
      await expect(increment(connection, { deadlineMs: 150 })).rejects.toMatchObject({
        code: 'E_REDIS_DEADLINE',
        executed: 'unknown',
        details: { label: 'increment' },
      });
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(await judge.get(counter)).toBe('1');
    });

    // Catches autoResendUnfulfilledCommands: ioredis would execute it after the reconnect.
    it('never sends a call again whose caller was told that it failed', async () => {
      const connection = await connect();
      proxy.blackhole('up');
      await expect(increment(connection, { deadlineMs: 150 })).rejects.toMatchObject({
        code: 'E_REDIS_DEADLINE',
      });
      const up = nextRedisState('commands', 'up');
      proxy.resetAll();
      await proxy.heal();
      await up;
      await connection.execute('ping', (client) => client.ping());
      expect(await judge.get(counter)).toBeNull();
    });

    it('finds the dead connection by itself and replaces it', async () => {
      const connection = await connect();
      const [down, dead] = [nextRedisState('commands', 'down'), nextDeadSocket()];
      proxy.blackhole('both');
      await Promise.all([down, dead]);
      const up = nextRedisState('commands', 'up');
      await proxy.heal();
      await up;
      expect(await increment(connection)).toBe(1);
    });
  });

  // Catches a bound on the TCP handshake only: the connection is open, but never becomes ready.
  it('gives up a connection whose server falls silent before it is ready', async () => {
    const connection = await connect();
    const [down, up] = [nextRedisState('commands', 'down'), nextRedisState('commands', 'up')];
    proxy.dropNextReply({ to: 'info', keepOpen: true });
    proxy.resetAll();
    await down;
    await up;
    expect(proxy.droppedReplies).toBeGreaterThan(0);
    expect(await increment(connection)).toBe(1);
  });

  // Catches a missing heartbeat: the status of ioredis stays 'ready' for ever.
  it('finds a frozen server, fails fast meanwhile, and works again when it thaws', async () => {
    const connection = await connect();
    const down = nextRedisState('commands', 'down');
    await server.freeze();
    await down;
    await expect(increment(connection)).rejects.toMatchObject({
      code: 'E_REDIS_UNAVAILABLE',
      executed: 'no',
    });
    const up = nextRedisState('commands', 'up');
    await server.thaw();
    await up;
    expect(await increment(connection)).toBe(1);
  });

  describe('when the server is killed', () => {
    it('settles what is under way and what comes, and works after the restart', async () => {
      const connection = await connect();
      await server.freeze();
      const underWay = Array.from({ length: 50 }, () => increment(connection));
      const down = nextRedisState('commands', 'down');
      await server.kill();
      await down;
      const later = Array.from({ length: 50 }, () => increment(connection));
      const results = await Promise.allSettled([...underWay, ...later]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toEqual([]);
      const up = nextRedisState('commands', 'up');
      await server.restart();
      await up;
      expect(await increment(connection)).toBe(1);
    });

    it('bridges a short outage: the call waits for the connection', async () => {
      const connection = await connect({ offlineTimeout: '10s', commandTimeout: '10s' });
      const down = nextRedisState('commands', 'down');
      await server.kill();
      await down;
      const call = increment(connection);
      await server.restart();
      expect(await call).toBe(1);
    });
  });

  it('waits out a failover: a call refused with READONLY is repeated on the promoted server', async () => {
    const connection = await connect({ offlineTimeout: '10s', commandTimeout: '10s' });
    await judge.replicaof('127.0.0.1', '1');
    const down = nextRedisState('commands', 'down');
    const call = increment(connection);
    await down;
    await judge.replicaof('NO', 'ONE');
    expect(await call).toBe(1);
  });

  it('refuses calls beyond its bound', async () => {
    const connection = await connect({ maxPending: 2 });
    proxy.blackhole('both');
    const pending = [increment(connection), increment(connection)];
    await expect(increment(connection)).rejects.toMatchObject({
      code: 'E_REDIS_UNAVAILABLE',
      executed: 'no',
    });
    await Promise.allSettled(pending);
  });

  describe('close()', () => {
    it('lets replies under way arrive', async () => {
      const connection = await connect();
      const call = increment(connection);
      await connection.close();
      expect(await call).toBe(1);
    });

    it('settles everything, also when the server is frozen, and is idempotent', async () => {
      const connection = await connect({ commandTimeout: '1h', heartbeatInterval: '1h' });
      await server.freeze();
      const calls = [increment(connection), increment(connection)];
      await Promise.all([connection.close(), connection.close()]);
      const results = await Promise.allSettled([...calls, increment(connection)]);
      const executed = results.map((result) =>
        result.status === 'rejected' ? (result.reason as { executed: string }).executed : 'yes',
      );
      expect(executed).toEqual(['unknown', 'unknown', 'no']);
    });

    it('leaves a client of the application open, and closes one that was made for it', async () => {
      const mine = new Redis(server.url);
      const first = await RedisConnection.connect(mine);
      await first.close();
      expect(await mine.ping()).toBe('PONG');
      const second = await RedisConnection.connect(() => mine);
      await second.close();
      await expect(mine.ping()).rejects.toThrow('Connection is closed');
    });
  });

  describe('at boot', () => {
    it('fails in time when Redis cannot be reached, and keeps the password to itself', async () => {
      proxy.refuse();
      proxy.resetAll();
      const url = proxy.url(`redis://user:secret@${server.host}:${server.port}`);
      const boot = RedisConnection.connect({ ...SHORT, url, bootTimeout: '200ms' });
      const error = await boot.then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error).toMatchObject({ code: 'E_REDIS_UNAVAILABLE' });
      expect(error?.message).toContain(`${proxy.host}:${proxy.port}`);
      expect(error?.message).not.toContain('secret');
    });

    it('need not wait for Redis', async () => {
      proxy.refuse();
      const connection = await connect({ bootTimeout: 0 });
      const up = nextRedisState('commands', 'up');
      await proxy.heal();
      await up;
      expect(await increment(connection)).toBe(1);
    });
  });
});
