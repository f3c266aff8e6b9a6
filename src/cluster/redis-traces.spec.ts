/** Cleaning up in somebody else's Redis touches the run's own keys only. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../test/support/redis.fixture.js';
import { removeTraces } from './redis-traces.js';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.stop());

it('removes the keys that carry the id of the run, and no other', async () => {
  const redis = new Redis(server.url);
  await redis.mset('x:lock:{sku-run1-2}', '1', 'run1', '1', 'x:lock:{sku-run2-2}', '1');
  await removeTraces(server.url, 'run1');
  expect(await redis.keys('*')).toEqual(['x:lock:{sku-run2-2}']);
  redis.disconnect();
});
