/** Redlock keeps the contract of the port, but for the promises a majority cannot make. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedlockStore } from '../../libs/distributed/src/lock/index.js';
import { lockStoreCases, type LockStoreFixture } from '../../libs/distributed/src/testing/index.js';
import { type RedisServer, startRedis } from '../support/redis.fixture.js';

const MASTERS = 5;
let servers: RedisServer[];

beforeAll(async () => {
  servers = await Promise.all(Array.from({ length: MASTERS }, () => startRedis()));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

describe('RedlockStore, five masters', () => {
  const open = (): RedlockStore =>
    new RedlockStore({ nodes: servers.map(({ url }) => ({ url })), restartDelay: 0 });
  const create = (): LockStoreFixture => {
    const close = async (): Promise<void> => {};
    return { store: open(), other: open(), close };
  };
  const promises = { fencing: false, queue: false, reports: false };
  it.each(lockStoreCases(create, promises))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
