/** The policy `'lru'`: the least recently used entry leaves. The list is that of `lru-cache`. */
import { LRUCache } from 'lru-cache';
import type { L1Entry } from './l1-entry.js';
import type { L1Policy } from './l1-policy.js';

export class Lru implements L1Policy {
  /** Never full by itself: the first level counts entries and bytes. */
  readonly #entries: LRUCache<L1Entry, L1Entry>;

  constructor(maxEntries: number) {
    this.#entries = new LRUCache({ max: maxEntries });
  }

  admit(entry: L1Entry): void {
    this.#entries.set(entry, entry);
  }

  touch(entry: L1Entry): void {
    this.#entries.get(entry);
  }

  replace(entry: L1Entry, successor: L1Entry): void {
    this.#entries.delete(entry);
    this.#entries.set(successor, successor);
  }

  remove(entry: L1Entry): void {
    this.#entries.delete(entry);
  }

  evict(): L1Entry | undefined {
    return this.#entries.pop();
  }

  clear(): void {
    this.#entries.clear();
  }
}
