import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../../../test/support/redis.fixture.js';
import { createFaultProxy, type FaultProxy } from '../testing/index.js';
import { RedisConnection } from './redis.connection.js';

describe('smoke', () => {
  it('works', async () => {
    const server = await startRedis();
    const c = await RedisConnection.connect({ url: server.url });
    expect(await c.execute('set', (client) => client.set('a', '1'))).toBe('OK');
    const got: string[] = [];
    const arrived = new Promise<void>((resolve) => {
      void c
        .subscribe('ch', (m) => {
          got.push(m);
          resolve();
        })
        .then(() => c.execute('pub', (x) => x.publish('ch', 'hello')));
    });
    await arrived;
    expect(got).toEqual(['hello']);
    await c.close();
    await server.stop();
  });
});
