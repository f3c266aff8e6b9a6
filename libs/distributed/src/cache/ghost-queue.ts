/**
 * Remembers keys that left, without keeping them: fingerprints with their number in the order of
 * leaving, in buckets of four (the ghost queue of S3-FIFO, §4.2 of the paper). A key is a ghost as
 * long as no more than a given number of keys left after it. Memory is bounded by that number; a full
 * bucket loses its oldest ghost early, and two keys of one fingerprint are taken for each other,
 * which costs a better or worse guess and nothing else.
 */
import type { PrimitiveKey } from './primitive-key.js';

const WAYS = 4;
const FIRST_BUCKETS = 64;
/** Ghosts per bucket, on average, that are worth the room. */
const LOAD = 3;

export class GhostQueue {
  /** Pairs of fingerprint and number; a number of 0 is an empty slot. Made when first needed. */
  #slots = new Uint32Array(0);
  /** Number of the last key that left; wraps around, as ages do. */
  #last = 0;

  /** Slots for ghosts, whether taken or not. */
  get capacity(): number {
    return this.#slots.length / 2;
  }

  /** Notes that a key left. @param length how many of the last ones are to be remembered */
  add(key: PrimitiveKey, length: number): void {
    while (this.capacity * LOAD < length * WAYS || this.capacity === 0) this.#grow();
    this.#last = (this.#last + 1) >>> 0 || 1;
    this.#put(fingerprint(key), this.#last);
  }

  /** Forgets a key that comes back. True when it is one of the last `length` that left. */
  take(key: PrimitiveKey, length: number): boolean {
    if (this.capacity === 0) return false;
    const print = fingerprint(key);
    const start = this.#bucketOf(print);
    for (let slot = start; slot < start + 2 * WAYS; slot += 2) {
      const number = this.#slots[slot + 1];
      if (!number || this.#slots[slot] !== print) continue;
      this.#slots[slot + 1] = 0;
      return this.#age(number) < length;
    }
    return false;
  }

  clear(): void {
    this.#slots = new Uint32Array(0);
  }

  /** How many keys left after the one of this number. */
  #age(number: number): number {
    return (this.#last - number) >>> 0;
  }

  #bucketOf(print: number): number {
    return (print & (this.capacity / WAYS - 1)) * 2 * WAYS;
  }

  /** Into the slot of the same fingerprint, an empty one, or the oldest of the bucket. */
  #put(print: number, number: number): void {
    const start = this.#bucketOf(print);
    let best = start;
    let bestAge = -1;
    for (let slot = start; slot < start + 2 * WAYS; slot += 2) {
      const other = this.#slots[slot + 1];
      const age = !other || this.#slots[slot] === print ? Infinity : this.#age(other);
      if (age <= bestAge) continue;
      best = slot;
      bestAge = age;
    }
    this.#slots[best] = print;
    this.#slots[best + 1] = number;
  }

  /** Twice the buckets; fingerprints are whole hashes, so every ghost finds its new place. */
  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(before.length * 2 || FIRST_BUCKETS * WAYS * 2);
    for (let slot = 0; slot < before.length; slot += 2)
      if (before[slot + 1]) this.#put(before[slot] ?? 0, before[slot + 1] ?? 0);
  }
}

/** FNV-1a over the text, mixed at the end as MurmurHash3 does: all 32 bits depend on all characters. */
function fingerprint(key: PrimitiveKey): number {
  const text = String(key);
  let hash = typeof key === 'string' ? 0x811c9dc5 : 0x2f0b4a27;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
