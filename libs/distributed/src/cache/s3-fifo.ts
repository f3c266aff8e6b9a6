/**
 * The policy `'s3-fifo'` (Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache
 * eviction, SOSP 2023). New entries wait in a small queue; most are never used again and leave soon,
 * without displacing what is used. Those used more than once move to the main queue, which passes
 * over an entry as often as it was used. A key that left the small queue and comes back soon goes
 * straight to the main one.
 */
import { GhostQueue } from './ghost-queue.js';
import { EntryQueue, type L1Entry } from './l1-entry.js';
import type { L1Bounds, L1Policy } from './l1-policy.js';

/** The small queue's share of the bounds. */
const SMALL = 0.1;
/** Uses are counted in two bits. */
const MOST = 3;
/** So many uses in the small queue earn a place in the main one: more than one, says the paper. */
const ENOUGH = 2;

export class S3Fifo implements L1Policy {
  #small = new EntryQueue();
  #main = new EntryQueue();
  readonly #ghosts = new GhostQueue();
  readonly #smallEntries: number;
  readonly #smallBytes: number;
  #passes = 0;

  constructor(bounds: L1Bounds) {
    this.#smallEntries = Math.max(1, Math.floor(bounds.maxEntries * SMALL));
    this.#smallBytes = bounds.maxBytes * SMALL;
  }

  /** Slots for ghosts, for tests. */
  get ghostCapacity(): number {
    return this.#ghosts.capacity;
  }

  /** How many entries evictions have passed over, for tests: each pass is paid for by a use. */
  get passes(): number {
    return this.#passes;
  }

  admit(entry: L1Entry): void {
    const ghost = this.#ghosts.take(entry.key, this.#ghostLength);
    (ghost ? this.#main : this.#small).push(entry);
  }

  touch(entry: L1Entry): void {
    if (entry.frequency < MOST) entry.frequency++;
  }

  replace(entry: L1Entry, successor: L1Entry): void {
    successor.frequency = entry.frequency;
    entry.queue?.replace(entry, successor);
  }

  remove(entry: L1Entry): void {
    entry.queue?.remove(entry);
  }

  evict(): L1Entry | undefined {
    return this.#smallIsFull
      ? (this.#evictSmall() ?? this.#evictMain())
      : (this.#evictMain() ?? this.#evictSmall());
  }

  clear(): void {
    this.#small = new EntryQueue();
    this.#main = new EntryQueue();
    this.#ghosts.clear();
  }

  /** By entries or by bytes, whichever bound is nearer. */
  get #smallIsFull(): boolean {
    return this.#small.size >= this.#smallEntries || this.#small.bytes >= this.#smallBytes;
  }

  /** As many ghosts as the main queue can hold, by what entries weigh at present. */
  get #ghostLength(): number {
    return Math.ceil((this.#small.size + this.#main.size) * (1 - SMALL));
  }

  #evictSmall(): L1Entry | undefined {
    for (let entry = this.#small.oldest; entry; entry = this.#small.oldest) {
      this.#small.remove(entry);
      if (entry.frequency < ENOUGH) {
        this.#ghosts.add(entry.key, this.#ghostLength);
        return entry;
      }
      entry.frequency = 0;
      this.#main.push(entry);
      this.#passes++;
    }
    return undefined;
  }

  #evictMain(): L1Entry | undefined {
    for (let entry = this.#main.oldest; entry; entry = this.#main.oldest) {
      this.#main.remove(entry);
      if (entry.frequency === 0) return entry;
      entry.frequency--;
      this.#main.push(entry);
      this.#passes++;
    }
    return undefined;
  }
}
