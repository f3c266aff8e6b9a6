/** What the locks protect: counters outside the lock's Redis, which keep a journal of every touch. */
import type { Guard } from '../torture.js';

/** One critical section at a resource. */
export interface Visit {
  readonly key: string;
  readonly fence: number;
  readonly process: string;
  /** Unique within the process. */
  readonly operation: number;
  /** When the lock was asked for, and when it was granted; `monotonicMs()`. */
  readonly invokedAt: number;
  readonly grantedAt: number;
}

/** What a section read: the counter behind the guard (null when refused), and its twin without guard. */
export interface Reading {
  readonly guarded: number | null;
  readonly plain: number;
}

/** What happened to the writes of a section. */
export interface Writing {
  readonly guarded: 'written' | 'refused';
}

/** One line of the journal, written by the resource in the same step as what it tells. */
export interface JournalEntry {
  readonly key: string;
  /** Of the counter behind the guard, or of its twin without. */
  readonly guarded: boolean;
  readonly kind: 'read' | 'write' | 'refused-read' | 'refused-write';
  readonly process: string;
  readonly operation: number;
  readonly fence: number;
  /** The value read or written. */
  readonly value: number;
  readonly invokedAt: number;
  readonly grantedAt: number;
}

/**
 * Each key is two counters that start at 0. A section reads both and writes back one more. One has
 * a guard: it refuses fencing tokens smaller than the largest it saw, from the first read on
 * (with `write-only`, the mutation, it compares when writing only). The other takes every write.
 */
export abstract class Resource {
  constructor(protected readonly guard: Guard) {}

  abstract enter(visit: Visit): Promise<Reading>;
  abstract leave(visit: Visit, reading: Reading): Promise<Writing>;
  /** Everything that happened, in the resource's own order per key. */
  abstract journal(): Promise<JournalEntry[]>;
  /** Forgets everything. */
  abstract clear(): Promise<void>;
  abstract close(): Promise<void>;
}
