/** Port: decides which entry of a first level leaves when there is no room. */
import type { L1Entry } from './l1-entry.js';

/** Bounds of one first level. */
export interface L1Bounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * Knows every entry of one first level. All operations are O(1), `evict` amortised over the uses and
 * arrivals before it.
 */
export interface L1Policy {
  /** Takes in an entry that arrives. */
  admit(entry: L1Entry): void;
  /** Notes a use. The path of every hit: nothing but this note may happen here. */
  touch(entry: L1Entry): void;
  /** A new value of the same key: takes the place of the old one. */
  replace(entry: L1Entry, successor: L1Entry): void;
  /** Lets go of an entry that leaves for another reason than lack of room. */
  remove(entry: L1Entry): void;
  /** Chooses the entry that leaves, and lets go of it; undefined when there is none. */
  evict(): L1Entry | undefined;
  /** Lets go of everything. */
  clear(): void;
}
