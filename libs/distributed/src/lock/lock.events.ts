/**
 * What the lock capability tells the outside: one diagnostics channel per kind of event. Without
 * subscribers nothing is built. Label metrics with `name`; `key` is for logs and traces only.
 */
import { openEventChannels } from '../distributed.events.js';
import type { LockLossReason } from './lock.errors.js';
import type { ReleaseOutcome } from './lock.js';

/** How an attempt to get a lock ended. `joined`: re-entered a lock this async context holds. */
export type AcquireOutcome =
  | 'acquired'
  | 'joined'
  | 'busy'
  | 'timeout'
  | 'backend-error'
  | 'aborted';

/** Payloads by channel. */
export interface LockEvents {
  /** Once per requested lock, when it is decided. */
  readonly acquire: {
    readonly name: string;
    readonly key: string;
    readonly outcome: AcquireOutcome;
    readonly waitedMs: number;
  };
  /** A call begins to wait because somebody else is in front, or waits no longer. */
  readonly waiting: {
    readonly name: string;
    readonly key: string;
    readonly waiting: boolean;
  };
  /** Once per held lock. */
  readonly release: {
    readonly name: string;
    readonly key: string;
    readonly outcome: ReleaseOutcome;
    readonly heldMs: number;
  };
  /** The moment a holder learns that it lost its lock. */
  readonly lost: {
    readonly name: string;
    readonly key: string;
    readonly reason: LockLossReason;
    readonly fencingToken: number;
  };
  /** The application was elected: a term begins. */
  readonly elected: {
    readonly name: string;
    readonly key: string;
    /** Fencing token of the leadership. */
    readonly term: number;
    /** How long it had campaigned. */
    readonly waitedMs: number;
  };
  /** The term is over, also after a resignation. */
  readonly deposed: {
    readonly name: string;
    readonly key: string;
    readonly term: number;
    readonly reason: LockLossReason;
    readonly ledMs: number;
  };
  /** One failed renewal; it is retried until the lease ends. */
  readonly renewFailed: {
    readonly name: string;
    readonly key: string;
    readonly error: unknown;
    readonly remainingMs: number;
  };
  /** An acquisition whose reply never came was cleaned up in the background. */
  readonly chase: {
    readonly name: string;
    readonly key: string;
    readonly outcome: 'deleted' | 'absent' | 'given-up';
  };
  /** A resource refused a holder because it had seen a later one. */
  readonly stale: {
    readonly name: string;
    readonly key: string;
    readonly fencingToken: number;
    readonly resource: 'sql' | 'redis';
  };
}

/** Names of the channels, for `diagnostics_channel.subscribe(LOCK_CHANNELS.lost, …)`. */
export const LOCK_CHANNELS = {
  acquire: 'nestjs-distributed:lock:acquire',
  waiting: 'nestjs-distributed:lock:waiting',
  release: 'nestjs-distributed:lock:release',
  lost: 'nestjs-distributed:lock:lost',
  elected: 'nestjs-distributed:lock:elected',
  deposed: 'nestjs-distributed:lock:deposed',
  renewFailed: 'nestjs-distributed:lock:renew-failed',
  chase: 'nestjs-distributed:lock:chase',
  stale: 'nestjs-distributed:lock:stale',
} as const satisfies Record<keyof LockEvents, string>;

/** Emits the events of this room. */
export const lockEvents = openEventChannels<LockEvents>(LOCK_CHANNELS);
