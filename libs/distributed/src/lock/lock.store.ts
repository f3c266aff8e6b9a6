/** The port to whatever remembers who holds a lock. */

/** Answer to an acquisition. */
export type AcquireReply =
  | { readonly acquired: true; readonly fencingToken: number }
  /** `remainingMs`: lease left to the present holder; negative when the store cannot tell. */
  | { readonly acquired: false; readonly remainingMs: number };

/**
 * Answer to a release. `absent`: the caller did not hold the key. `unsure`: it does not hold it now,
 * but the command may have been executed before, and freed it then.
 */
export type ReleaseReply = 'deleted' | 'absent' | 'unsure';

/** Who holds a key now. */
export interface LockState {
  /** Random token of the acquisition that holds the key. */
  readonly owner: string;
  /** Fencing token of that acquisition. */
  readonly fencingToken: number;
  /** Milliseconds left of its lease. */
  readonly remainingMs: number;
}

/** What a store reports by itself. Reports may be lost: every waiter also polls. */
export interface LockStoreListener {
  /** `key` became free; `owner` is the token of the acquisition that was removed. */
  freed(key: string, owner: string): void;
  /** Reports may have been lost until now: everything should be looked at again. */
  resync(): void;
}

/** One attempt of one command. */
export interface StoreCallOptions {
  /** Milliseconds after which the store gives up on a reply. */
  readonly deadlineMs: number;
}

/**
 * Remembers holders. Every command may be executed twice (a re-send after a lost reply) and must
 * then answer as it did the first time. Every method rejects with `LockBackendError` only.
 */
export abstract class LockStore {
  /**
   * Takes `key` for `owner` if it is free, or already `owner`'s; in the second case with the same
   * fencing token. A lease already granted is never shortened.
   */
  abstract acquire(
    key: string,
    owner: string,
    leaseMs: number,
    options: StoreCallOptions,
  ): Promise<AcquireReply>;

  /** Makes the lease last at least `leaseMs`. False when `owner` does not hold `key`. */
  abstract renew(
    key: string,
    owner: string,
    leaseMs: number,
    options: StoreCallOptions,
  ): Promise<boolean>;

  /** Frees `key` if `owner` holds it. */
  abstract release(key: string, owner: string, options: StoreCallOptions): Promise<ReleaseReply>;

  /** Who holds `key`; null when nobody does. */
  abstract query(key: string, options: StoreCallOptions): Promise<LockState | null>;

  /** Starts reports to `listener`; resolves when they flow. Ends with `unwatch()`. */
  abstract watch(listener: LockStoreListener): Promise<void>;

  /** Ends the reports. */
  abstract unwatch(): Promise<void>;
}
