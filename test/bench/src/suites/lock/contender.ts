/** A lock library in the bench: what every competitor has to be able to do. */
import type { CommandCounter } from '../../harness/counting-client.js';

/** Gives back what was acquired. */
export type Release = () => Promise<unknown>;

/** How long a lock lives without renewal, for everybody, ms. */
export const LEASE_MS = 10_000;

/** One client of one library, on one connection of its own. */
export interface LockContender {
  /** What its connections send. */
  readonly commands: CommandCounter;
  /** Waits as long as it takes: waits and retries are as good as unlimited for everybody. */
  acquire(key: string): Promise<Release>;
  /** Runs `body` under the lock, where the library's recommended way is not `acquire`. */
  execute?(key: string, body: () => Promise<void>): Promise<void>;
  /** Holds a lock, renewed, and is told when it is lost; absent where nobody tells. */
  hold?(key: string, leaseMs: number, onLost: () => void): Promise<Release>;
  /** Ends its connections. */
  close(): Promise<void>;
}
