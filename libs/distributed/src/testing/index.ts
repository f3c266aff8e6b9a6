/** What tests of applications and of this library share: `nestjs-distributed/testing`. */
export { FakeClock, SequenceRandom } from './fake-clock.js';
export {
  createFaultProxy,
  type DropReplyOptions,
  FaultProxy,
  type FaultProxyTarget,
} from './fault-proxy.js';
