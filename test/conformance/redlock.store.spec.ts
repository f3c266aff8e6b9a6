/** Redlock keeps the contract of the port, but for the promises a majority cannot make. */
import { describe, expect, it } from '@jest/globals';
import { lockStoreCases, type LockStoreFixture } from '../../libs/distributed/src/testing/index.js';
import { useRedlock } from '../support/redlock.fixture.js';

describe('RedlockStore, five masters', () => {
  const on = useRedlock();
  const create = async (): Promise<LockStoreFixture> => {
    // 5 % of the short leases here are less than a busy machine needs.
    const options = { nodeTimeout: '5s' } as const;
    const close = async (): Promise<void> => {};
    return { store: await on.connect(options), other: await on.connect(options), close };
  };
  const promises = { fencing: false, queue: false, reports: false };
  it.each(lockStoreCases(create, promises))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
