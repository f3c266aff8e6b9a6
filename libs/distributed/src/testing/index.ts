/** What tests of applications and of this library share: `nestjs-distributed/testing`. */
export { FakeClock, SequenceRandom } from './fake-clock.js';
