/** An entry of the first level, and the queues it stands in: intrusive, so that leaving is O(1). */
import type { PrimitiveKey } from './primitive-key.js';

/**
 * What the first level needs to know of what it keeps; extend it by what you keep. One object and not
 * two: on the path of a hit every object on the way to the value is a wait for memory. An object
 * enters a first level once.
 */
export abstract class L1Entry {
  /** The primitive its key stands for, else its key; given by the first level. */
  key: PrimitiveKey = '';
  /** How often it was used since its policy last looked at it, up to a small limit. */
  frequency = 0;
  /** Where it stands, if its policy uses queues. */
  queue: EntryQueue | undefined = undefined;
  /** The neighbour that came earlier. */
  older: L1Entry | undefined = undefined;
  /** The neighbour that came later. */
  newer: L1Entry | undefined = undefined;

  /**
   * @param expiresAt on the monotonic clock of this process; from then on it is not returned
   * @param bytes estimated weight of key and value
   */
  constructor(
    readonly expiresAt: number,
    readonly bytes: number,
  ) {}
}

/** Entries in order of arrival. */
export class EntryQueue {
  #oldest: L1Entry | undefined;
  #newest: L1Entry | undefined;
  #size = 0;
  #bytes = 0;

  /** How many entries stand in it. */
  get size(): number {
    return this.#size;
  }

  /** Their weight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry that came first. */
  get oldest(): L1Entry | undefined {
    return this.#oldest;
  }

  /** Appends an entry that stands in no queue. */
  push(entry: L1Entry): void {
    this.#enter(entry, this.#newest, undefined);
  }

  /** Takes out an entry of this queue. */
  remove(entry: L1Entry): void {
    if (entry.older) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    if (entry.newer) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    entry.queue = entry.older = entry.newer = undefined;
    this.#size--;
    this.#bytes -= entry.bytes;
  }

  /** Puts an entry that stands in no queue in the place of one of this queue. */
  replace(entry: L1Entry, successor: L1Entry): void {
    const { older, newer } = entry;
    this.remove(entry);
    this.#enter(successor, older, newer);
  }

  #enter(entry: L1Entry, older: L1Entry | undefined, newer: L1Entry | undefined): void {
    entry.queue = this;
    entry.older = older;
    entry.newer = newer;
    if (older) older.newer = entry;
    else this.#oldest = entry;
    if (newer) newer.older = entry;
    else this.#newest = entry;
    this.#size++;
    this.#bytes += entry.bytes;
  }
}
