/** The port to L2: single-key operations on records, each of them safe to be sent twice. */
import type { CacheEntry, FillLease, MarkVersion } from './entry-format.js';

/** One entry of one cache. */
export interface EntryAddress {
  readonly cache: string;
  readonly key: string;
}

/** A message to the other nodes, published in the same step as the change it tells of. */
export interface Announcement {
  readonly channel: string;
  readonly text: string;
}

/** What a read found. */
export interface StoredEntry {
  /** Undefined for what another release wrote. */
  readonly entry: CacheEntry | undefined;
  /** The record's first bytes: what `replace` compares. */
  readonly identity: Buffer;
  /** A lower bound of the record's remaining lifetime, in milliseconds; 0 when unknown. */
  readonly remainingMs: number;
}

/** What a look at a value's header found. */
export interface StoredHead {
  /** Identifies the value; undefined unless there is one. */
  readonly token: string | undefined;
  /** How long its load took. */
  readonly loadMs: number;
  readonly remainingMs: number;
}

/** A value to write. */
export interface StoredValue {
  /** The lease it was loaded under, or the intent it is put under. */
  readonly token: string;
  readonly record: Buffer;
  readonly ttlMs: number;
}

/** What others get of a load that failed. */
export interface FailedLoad {
  /** The record of the error for those who wait; undefined: they load by themselves. */
  readonly record: Buffer | undefined;
  readonly ttlMs: number;
  /** So long nobody else refreshes a value that is there. */
  readonly pauseMs: number;
}

/** `failed`: a refresh failed a moment ago; `changed`: another record is there by now. */
export type RefreshAnswer = 'leased' | 'busy' | 'failed' | 'changed';

/** A tag that will outlive the value it was asked for. */
export interface BoundTag {
  readonly version: MarkVersion;
  /** Remaining lifetime of the version. */
  readonly keptMs: number;
}

/** `hard`: entries are gone; `soft`: they are stale. */
export type InvalidationMode = 'hard' | 'soft';

/**
 * L2. Reads and lease operations reject within the read deadline, writes within the write deadline;
 * a rejection never says that nothing was done.
 */
export abstract class CacheStore {
  abstract read(address: EntryAddress): Promise<StoredEntry | undefined>;

  /** Several entries at once, in the order of `addresses`. */
  abstract readMany(addresses: readonly EntryAddress[]): Promise<(StoredEntry | undefined)[]>;

  /** The header alone: whether the value a node holds in memory is still the stored one. */
  abstract head(address: EntryAddress): Promise<StoredHead>;

  /** The cache's generation; created, newer than any before, when there is none. */
  abstract generation(cache: string): Promise<MarkVersion>;

  /** The time of the tags' logical clock; what is invalidated from now on is later. */
  abstract clock(): Promise<number>;

  /** The versions of tags; undefined for those that are not there. One round trip. */
  abstract tags(names: readonly string[]): Promise<(MarkVersion | undefined)[]>;

  /** The same for a value about to be stored for `ttlMs`, loaded since `clock`: none is missing. */
  abstract bindTags(names: readonly string[], clock: number, ttlMs: number): Promise<BoundTag[]>;

  /** Takes the lease of an absent entry; false when the key holds anything. */
  abstract acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean>;

  /** Takes the lease in place of a record that no longer counts; false when it is not there any more. */
  abstract replace(
    address: EntryAddress,
    identity: Buffer,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean>;

  /** Takes the right to refresh the value made under `token`; others go on reading it. */
  abstract refresh(
    address: EntryAddress,
    token: string,
    lease: FillLease,
    ttlMs: number,
  ): Promise<RefreshAnswer>;

  /** Prolongs a lease; false when it is lost. */
  abstract extend(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean>;

  /** Gives a lease back without a value. */
  abstract abandon(address: EntryAddress, lease: FillLease, failure?: FailedLoad): Promise<void>;

  /** Writes the value only if the key still holds its lease; false when it does not. */
  abstract fill(address: EntryAddress, value: StoredValue): Promise<boolean>;

  /** Notes, under a fresh token, that somebody is about to change what the entry is made of. */
  abstract intend(address: EntryAddress, token: string, ttlMs: number): Promise<void>;

  /**
   * Writes the value if the intent of its token is still the last one noted, otherwise evicts the
   * entry. Tells whether the value was written. Announces both.
   */
  abstract put(
    address: EntryAddress,
    value: StoredValue,
    announcement: Announcement,
  ): Promise<boolean>;

  /** Evicts the entry, its lease and its intents. */
  abstract remove(address: EntryAddress, announcement: Announcement): Promise<void>;

  /** Makes the entry stale; evicts it when it may not be served stale. Ends its lease and intents. */
  abstract expire(address: EntryAddress, announcement: Announcement): Promise<void>;

  /** Starts a new generation: every record of the cache is dead, or stale. */
  abstract clear(cache: string, mode: InvalidationMode, announcement: Announcement): Promise<void>;

  /** Ends the tag's version: every record that carries it is dead, or stale. */
  abstract invalidateTag(
    name: string,
    mode: InvalidationMode,
    announcement: Announcement,
  ): Promise<void>;

  /** Announces an eviction of a cache that has no L2. */
  abstract announce(announcement: Announcement): Promise<void>;
}
