/** L1: the memory level of one cache in this process. */
import { LRUCache } from 'lru-cache';

/** A value in memory. */
export interface MemoryEntry {
  readonly value: unknown;
  /** On the monotonic clock of this process. */
  readonly expiresAt: number;
  /** Epoch of the invalidation bus when the value was read; see InvalidationBus. */
  readonly epoch: number;
}

/** Bounded by the number of entries; the least recently used one leaves. */
export class MemoryCache {
  readonly #entries: LRUCache<string, MemoryEntry>;

  constructor(maxEntries: number) {
    this.#entries = new LRUCache({ max: maxEntries });
  }

  /** Entries held, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** The live entry of `key`: not expired, and read in the bus's current epoch. */
  get(key: string, now: number, epoch: number): MemoryEntry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt > now && entry.epoch === epoch) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, entry: MemoryEntry): void {
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
