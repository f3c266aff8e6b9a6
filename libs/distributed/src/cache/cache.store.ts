/** The port to L2: single-key operations on records, each of them safe to be sent twice. */
import type { CacheRecord, FillLease } from './cache-record.js';

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
  readonly record: CacheRecord;
  /** A lower bound of the record's remaining lifetime, in milliseconds; 0 when unknown. */
  readonly remainingMs: number;
}

/** A value to write. */
export interface StoredValue {
  readonly lease: FillLease;
  readonly text: string;
  readonly ttlMs: number;
}

/**
 * L2. Reads and lease operations reject within the read deadline, writes within the write deadline;
 * a rejection never says that nothing was done.
 */
export abstract class CacheStore {
  abstract read(address: EntryAddress): Promise<StoredEntry | undefined>;

  /** The cache's generation; created, newer than any before, when there is none. */
  abstract generation(cache: string): Promise<string>;

  /** Takes the lease of an absent entry; false when the key holds anything. */
  abstract acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean>;

  /** Takes the lease in place of a record that no longer counts; false when it is not there any more. */
  abstract replace(
    address: EntryAddress,
    header: string,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean>;

  /** Prolongs a lease; false when it is lost. */
  abstract extend(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean>;

  /** Gives a lease back without a value. */
  abstract abandon(address: EntryAddress, lease: FillLease): Promise<void>;

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

  /** Starts a new generation: every record of the cache is dead. */
  abstract clear(cache: string, announcement: Announcement): Promise<void>;

  /** Announces an eviction of a cache that has no L2. */
  abstract announce(announcement: Announcement): Promise<void>;
}
