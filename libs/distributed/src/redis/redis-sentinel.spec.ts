/** The same guarantees when Sentinel replaces the master. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nextRedisState, SHORT } from '../../../../test/support/redis-state.fixture.js';
import {
  type RedisSentinelServers,
  startRedisSentinel,
} from '../../../../test/support/redis.fixture.js';
import { RedisConnection } from './redis.connection.js';

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
    const set = (value: string) => connection.execute('set', (client) => client.set('key', value));
    expect(await set('before')).toBe('OK');
    let receive: (message: string) => void = () => {};
    const received = new Promise<string>((resolve) => (receive = resolve));
    await connection.subscribe('news', (message) => receive(message));

    const down = [nextRedisState('commands', 'down'), nextRedisState('subscriber', 'down')];
    const up = [nextRedisState('commands', 'up'), nextRedisState('subscriber', 'up')];
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
  });
});
