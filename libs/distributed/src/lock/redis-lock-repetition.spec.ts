/** Repeated commands write again: WAIT on a new connection would not look at the first execution. */
import { describe, expect, it } from '@jest/globals';
import { useRedisStore, within } from '../../../../test/support/redis-store.fixture.js';

const on = useRedisStore();

const written = async (): Promise<number> => {
  const info = await on.direct.execute('info', (client) => client.info('persistence'));
  return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1]);
};

describe.each([
  ['a lock', {}],
  ['a shared lock', { mode: 'shared' }],
  ['a permit', { limit: 2 }],
] as const)('%s', (_, target) => {
  it('asked for again is written again (mutation: PEXPIRE only when the lease grows)', async () => {
    const claim = { key: 'k', owner: 'a', ...target };
    const command = { ...claim, leaseMs: 10_000, fences: 1, queue: false };
    await on.store.acquire(command, within);
    await on.store.renew([{ ...claim, leaseMs: 60_000 }], within);
    const first = await written();
    await on.store.acquire(command, within);
    const again = await written();
    expect(again).toBeGreaterThan(first);
    await on.store.renew([{ ...claim, leaseMs: 20_000 }], within);
    expect(await written()).toBeGreaterThan(again);
  });
});
