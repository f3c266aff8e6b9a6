/** The same guarantees when Sentinel replaces the master. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nextRedisState, SHORT } from '../../../../test/support/redis-state.fixture.js';
import {
  type RedisSentinelServers,
  startRedisSentinel,
} from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from './redis.connection.js';
import { composeScript } from './redis-script.js';

const count = composeScript({
  name: 'count',
  source: "return redis.call('INCR', KEYS[1])",
  keys: 1,
  parse: Number,
});

describe('RedisConnection behind Sentinel', () => {
  let servers: RedisSentinelServers;
  let connection: RedisConnection;

  beforeAll(async () => {
    servers = await startRedisSentinel();
    const { sentinels, name } = servers;
    connection = await RedisConnection.connect({ ...SHORT, sentinels, name });
  });

  afterAll(async () => {
    await connection.close();
    await servers.stop();
  });

  it('follows the failover with calls and messages', async () => {
    expect(connection.topology).toBe('sentinel');
    const scripts = await connection.replicated({ replicas: 1, timeoutMs: 200 });
    const write = () => scripts.eval(count, { keys: ['{k}'], args: [] }, { deadlineMs: 2_000 });
    expect(await write()).toEqual({ value: 1, replicas: 1 });
    const set = (value: string) => connection.execute('set', (client) => client.set('key', value));
    expect(await set('before')).toBe('OK');
    let receive: (message: string) => void = () => {};
    const received = new Promise<string>((resolve) => (receive = resolve));
    await connection.subscribe('news', (message) => receive(message));

    const down = [nextRedisState('commands', 'down'), nextRedisState('subscriber', 'down')];
    const roles = ['commands', 'replication', 'subscriber'] as const;
    const up = roles.map((role) => nextRedisState(role, 'up'));
    await servers.master.kill();
    await Promise.all(down);
    await expect(set('during')).rejects.toMatchObject({ code: 'E_REDIS_UNAVAILABLE' });
    await Promise.all(up);

    expect(await set('after')).toBe('OK');
    expect(await connection.execute('role', (client) => client.info('replication'))).toMatch(
      /role:master/,
    );
    await connection.execute('publish', (client) => client.publish('news', 'from the new master'));
    expect(await received).toBe('from the new master');
    // The connection of WAIT has followed too; what it wrote is there, and the new master is alone.
    expect(await write()).toEqual({ value: 2, replicas: 0 });
  });
});
