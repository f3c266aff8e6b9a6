/** The contract of the port `LockStore` as tests, for every adapter: ours and yours. */
import { holderRules } from './lock-store-holders.js';
import { type LockStoreFixture, LockStoreProbe } from './lock-store-probe.js';
import type { LockStoreCapabilities } from './lock-store-rule.js';
import { waiterRules } from './lock-store-waiters.js';

/** One sentence of the contract. */
export interface LockStoreCase {
  readonly name: string;
  /** Rejects with an `AssertionError` when the adapter breaks the sentence. */
  run(): Promise<void>;
}

/**
 * The cases an adapter has to pass, for any test runner. Each case calls `create` and uses keys of
 * its own, so one server can serve them all, also side by side.
 *
 * @example
 * describe('MyLockStore', () => {
 *   for (const { name, run } of lockStoreCases(create)) it(name, run);
 * });
 */
export function lockStoreCases(
  create: () => LockStoreFixture | Promise<LockStoreFixture>,
  capabilities: LockStoreCapabilities = {},
): LockStoreCase[] {
  return [...holderRules, ...waiterRules]
    .filter(({ needs = [], without }) => {
      const has = (promise: keyof LockStoreCapabilities): boolean => capabilities[promise] ?? true;
      return needs.every(has) && !(without && has(without));
    })
    .map((rule) => ({
      name: rule.name,
      run: async () => {
        const fixture = await create();
        const probe = new LockStoreProbe(fixture, capabilities.fencing ?? true);
        try {
          await rule.check(probe);
        } finally {
          await probe.close();
          await fixture.close();
        }
      },
    }));
}
