/** One sentence of the port's contract, as code. */
import type { LockStoreProbe } from './lock-store-probe.js';

/** What an adapter promises beyond exclusion. */
export interface LockStoreCapabilities {
  /** Fencing tokens; without them every token is 0. Default true. */
  readonly fencing?: boolean;
  /** A queue that serves in order of arrival. Default true. */
  readonly queue?: boolean;
  /** Reports to waiters and holders; without them both learn what happened by asking. Default true. */
  readonly reports?: boolean;
}

/** Checks a store through a probe, and throws when it breaks the rule. */
export interface LockStoreRule {
  readonly name: string;
  /** The promises it is about; the rule holds for stores that make all of them. */
  readonly needs?: readonly (keyof LockStoreCapabilities)[];
  /** A promise it stands in for: the rule holds for stores that do not make it. */
  readonly without?: keyof LockStoreCapabilities;
  check(probe: LockStoreProbe): Promise<void>;
}
