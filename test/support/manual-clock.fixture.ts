/** A clock for property tests of synchronous code: moved by assignment, without timers. */
import { Clock, type Timer } from '../../libs/distributed/src/time/index.js';

export class ManualClock extends Clock {
  /** What `now()` says. */
  time = 0;

  now(): number {
    return this.time;
  }

  epochMs(): number {
    return this.time;
  }

  setTimer(): Timer {
    throw new Error('The code under test was not expected to set a timer.');
  }
}
