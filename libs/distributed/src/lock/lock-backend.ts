/** What the locks of one application share. */
import type { Clock, Random } from '../time/index.js';
import type { LockStore } from './lock.store.js';
import type { ReleaseChase } from './release-chase.js';

/** Passed to whatever talks to the store. */
export interface LockBackend {
  readonly store: LockStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly chase: ReleaseChase;
  /** Milliseconds after which a command without reply is given up. */
  readonly commandTimeoutMs: number;
  /** A token nobody else has or will have. */
  readonly nextOwner: () => string;
}
