/** One sentence of the port's contract, as code. */
import type { LockStoreProbe } from './lock-store-probe.js';

/** What an adapter promises beyond exclusion. */
export interface LockStoreCapabilities {
  /** Fencing tokens; without them every token is 0. Default true. */
  readonly fencing?: boolean;
  /** A queue that serves in order of arrival. Default true. */
  readonly queue?: boolean;
}

/** Checks a store through a probe, and throws when it breaks the rule. */
export interface LockStoreRule {
  readonly name: string;
  readonly needs?: keyof LockStoreCapabilities;
  check(probe: LockStoreProbe): Promise<void>;
}
