/** What tests of applications and of this library share: `nestjs-distributed/testing`. */
export { FakeClock, SequenceRandom } from './fake-clock.js';
export {
  createFaultProxy,
  type DropReplyOptions,
  FaultProxy,
  type FaultProxyTarget,
} from './fault-proxy.js';
export { type LockStoreCase, lockStoreCases } from './lock-store-conformance.js';
export type { LockStoreFixture } from './lock-store-probe.js';
export type { LockStoreCapabilities } from './lock-store-rule.js';
export { MemoryLockStore } from './memory-lock.store.js';
