/** The port to whatever remembers who holds a lock. */

/**
 * How long a store keeps the place of a waiter that gives no sign of life, in ms: two polls, and some
 * time to spare. It is dead then, and stands in nobody's way.
 */
export const WAITER_PATIENCE_MS = 3_000;

/** `exclusive`: alone (a writer). `shared`: with others of this mode (a reader). */
export type LockMode = 'exclusive' | 'shared';

/** What is asked for. */
export interface LockTarget {
  readonly key: string;
  /**
   * A permit of the semaphore `key`, of which there are so many. Semaphores and locks of the same
   * key have nothing to do with each other. Default: no permit but the lock.
   */
  readonly limit?: number | undefined;
  /**
   * `'shared'`: together with other readers. Waiting writers block new readers; after a writer, all
   * readers then waiting have their turn together. Default `'exclusive'`.
   */
  readonly mode?: LockMode | undefined;
}

/** One wish for one lock: the same token from the first attempt to the release. */
export interface LockClaim extends LockTarget {
  /** `<process>:<number>`: unique for ever. The part before the colon is where messages go. */
  readonly owner: string;
}

/** What an acquisition asks for. */
export interface AcquireCommand extends LockClaim {
  readonly leaseMs: number;
  /** How many fencing tokens to reserve: one per holder this lease may pass through. At least 1. */
  readonly fences: number;
  /** Whether to stand in the queue when the lock is taken, or to keep the place there. */
  readonly queue: boolean;
  /** Other waiters of this process in the same queue, whose places are kept too. */
  readonly siblings?: readonly string[];
  /** A lock of this process that is given back in the same step. */
  readonly frees?: string | undefined;
}

/**
 * How the end of a hold went. `deleted`: it was held until then. `absent`: it was not held.
 * `unsure`: it is not held now, but the command may have been executed before, and freed it then.
 */
export type ReleaseReply = 'deleted' | 'absent' | 'unsure';

/** Answer to an acquisition; `freed` answers `frees`. */
export type AcquireReply =
  | {
      readonly acquired: true;
      /** The first of the reserved tokens; 0 when the store promises none. */
      readonly fencingToken: number;
      readonly freed?: ReleaseReply;
    }
  | {
      readonly acquired: false;
      /**
       * Milliseconds after which asking again makes sense although nobody sent a message: when the
       * present lease, or the patience of a waiter in front, is over. Negative: cannot tell.
       */
      readonly retryMs: number;
      readonly freed?: ReleaseReply;
    };

/** A renewal of one lease. */
export interface RenewCommand extends LockClaim {
  readonly leaseMs: number;
}

/** Who holds a key now. */
export interface LockState {
  /** Token of the acquisition that holds the key; something else while readers share it. */
  readonly owner: string;
  /** The highest fencing token given to the owner's process, or that of the readers. */
  readonly fencingToken: number;
  /** Milliseconds left of its lease, the longest of several. */
  readonly remainingMs: number;
  /** How many stand in the queue; 0 when the store keeps none. */
  readonly waiters: number;
}

/** What a store reports by itself. Reports may be lost: every waiter also polls. */
export interface LockStoreListener {
  /** It may be this waiter's turn. */
  turn(owner: string): void;
  /** The lock of this owner was taken away by force. */
  revoked(owner: string): void;
  /** Reports may have been lost until now: everything should be looked at again. */
  resync(): void;
}

/** One attempt of one command. */
export interface StoreCallOptions {
  /** Milliseconds after which the store gives up on a reply. */
  readonly deadlineMs: number;
}

/**
 * Remembers holders and waiters. Every command may be executed twice (a re-send after a lost reply)
 * and must then answer as it did the first time. Every method rejects with `LockBackendError` only.
 */
export abstract class LockStore {
  /** Whether waiters of all processes are served in order of arrival. Without it they poll. */
  readonly keepsOrder: boolean = true;

  /**
   * Takes the lock if it is free and nobody waits in front, or if it is already the claim's; in that
   * case with the same fencing token. A lease already granted is never shortened. A refusal of
   * a free lock tells the first waiter again that it is his turn: reports can be lost, and of the
   * waiters of a process only one asks.
   */
  abstract acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply>;

  /**
   * Takes several locks, exclusive and of different keys, in one step: all of them, or none. Optional:
   * without it they are taken one after the other.
   * @returns the first of the reserved tokens of each, in the order of the commands; null when one of
   *   them is taken or has waiters in front, and when the store cannot do it for these keys
   */
  acquireAll?(
    commands: readonly AcquireCommand[],
    options: StoreCallOptions,
  ): Promise<readonly number[] | null>;

  /**
   * Makes leases last at least as long as asked, in one round trip. Never rejects: each renewal has
   * its own result, false when the claim does not hold its lock.
   */
  abstract renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]>;

  /**
   * Gives up a claim, held or waiting, and tells the next waiter.
   * @param keepMs keeps the lock taken, by nobody, for so long
   */
  abstract release(
    claim: LockClaim,
    options: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply>;

  /**
   * Takes the lock away from `claim`, if it still holds it, and tells its process. With the `owner`
   * of a `LockState` from all who shared it then.
   */
  abstract revoke(claim: LockClaim, options: StoreCallOptions): Promise<ReleaseReply>;

  /** Who holds `key`; null when nobody does. */
  abstract query(key: string, options: StoreCallOptions): Promise<LockState | null>;

  /**
   * Starts reports about the claims of `process`; resolves when they flow. Ends with `unwatch()`.
   */
  abstract watch(process: string, listener: LockStoreListener): Promise<void>;

  /** Ends the reports. */
  abstract unwatch(): Promise<void>;
}
