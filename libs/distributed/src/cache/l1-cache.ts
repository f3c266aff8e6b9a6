/** The first level: entries of one cache in the memory of this process, bounded in number and bytes. */
import type { L1Entry } from './l1-entry.js';
import type { L1Bounds, L1Policy } from './l1-policy.js';
import { Lru } from './lru.js';
import { type PrimitiveKey, primitiveOf } from './primitive-key.js';
import { S3Fifo } from './s3-fifo.js';

/** Which entry leaves when there is no room. */
export type L1PolicyName = 's3-fifo' | 'lru';

/** What a first level holds and did. */
export interface L1Stats {
  readonly entries: number;
  /** Estimated weight of the entries. */
  readonly bytes: number;
  /** Entries that left for lack of room. */
  readonly evictions: number;
  /** Entries that were found past their lifetime. */
  readonly expirations: number;
  /** Entries that were not taken in because one alone is heavier than the bound. */
  readonly refusals: number;
}

/**
 * Bounded map of keys to entries of type `E`. Keys are those of cache-key; the ones that stand for
 * one primitive are found by the primitive too. There is one index, so what is deleted is gone for
 * both. Time is given by the caller, who has read the clock for other reasons already.
 */
export class L1Cache<E extends L1Entry> {
  /** Entries whose key stands for one primitive. */
  readonly #plain = new Map<PrimitiveKey, E>();
  /** The others, by the text of the key. */
  readonly #compound = new Map<string, E>();
  readonly #policy: L1Policy;
  #bytes = 0;
  #evictions = 0;
  #expirations = 0;
  #refusals = 0;

  constructor(
    private readonly bounds: L1Bounds,
    policy: L1PolicyName | L1Policy = 's3-fifo',
  ) {
    this.#policy = typeof policy === 'string' ? named(policy, bounds) : policy;
  }

  /** Entries held, expired ones included. */
  get size(): number {
    return this.#plain.size + this.#compound.size;
  }

  /** Their estimated weight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry of `key`, unless it has expired at `now`; counts as a use. */
  get(key: string, now: number): E | undefined {
    return this.#use(this.#find(key), now);
  }

  /** As `get`, for a key that stands for one primitive (see `isPrimitiveKey`). Builds nothing. */
  recall(key: PrimitiveKey, now: number): E | undefined {
    return this.#use(this.#plain.get(key), now);
  }

  /** The entry of `key`, expired or not; does not count as a use. */
  peek(key: string): E | undefined {
    return this.#find(key);
  }

  /**
   * Takes an entry in, in place of the one of the same key. Others leave to make room; one that alone
   * is heavier than the bound is not taken in.
   */
  set(key: string, entry: E): void {
    const primitive = primitiveOf(key);
    const known = primitive === undefined ? this.#compound.get(key) : this.#plain.get(primitive);
    if (entry.bytes > this.bounds.maxBytes) {
      if (known) this.#drop(known);
      this.#refusals++;
      return;
    }
    if (known) {
      entry.key = known.key;
      this.#policy.replace(known, entry);
      this.#bytes -= known.bytes;
    } else {
      entry.key = primitive === undefined ? key : detached(primitive);
      this.#makeRoom(1, entry.bytes);
      this.#policy.admit(entry);
    }
    if (primitive === undefined) this.#compound.set(key, entry);
    else this.#plain.set(entry.key, entry);
    this.#bytes += entry.bytes;
    this.#makeRoom(0, 0);
  }

  /** Forgets one entry. True when there was one. */
  delete(key: string): boolean {
    const entry = this.#find(key);
    if (entry) this.#drop(entry);
    return entry !== undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#plain.clear();
    this.#compound.clear();
    this.#policy.clear();
    this.#bytes = 0;
  }

  stats(): L1Stats {
    return {
      entries: this.size,
      bytes: this.#bytes,
      evictions: this.#evictions,
      expirations: this.#expirations,
      refusals: this.#refusals,
    };
  }

  #find(key: string): E | undefined {
    const primitive = primitiveOf(key);
    return primitive === undefined ? this.#compound.get(key) : this.#plain.get(primitive);
  }

  #use(entry: E | undefined, now: number): E | undefined {
    if (entry === undefined) return undefined;
    if (entry.expiresAt > now) {
      this.#policy.touch(entry);
      return entry;
    }
    this.#expirations++;
    this.#drop(entry);
    return undefined;
  }

  #drop(entry: L1Entry): void {
    this.#policy.remove(entry);
    this.#forget(entry);
  }

  #makeRoom(entries: number, bytes: number): void {
    const { maxEntries, maxBytes } = this.bounds;
    while (this.size + entries > maxEntries || this.#bytes + bytes > maxBytes) {
      const entry = this.#policy.evict();
      if (!entry) return;
      this.#evictions++;
      this.#forget(entry);
    }
  }

  #forget(entry: L1Entry): void {
    this.#bytes -= entry.bytes;
    if (this.#plain.get(entry.key) === entry) this.#plain.delete(entry.key);
    else this.#compound.delete(entry.key as string);
  }
}

function named(policy: L1PolicyName, bounds: L1Bounds): L1Policy {
  return policy === 'lru' ? new Lru(bounds.maxEntries) : new S3Fifo(bounds);
}

/** A copy: a part of a string keeps the whole alive, and with it whatever that is a part of. */
function detached(key: PrimitiveKey): PrimitiveKey {
  return typeof key === 'string' ? (JSON.parse(JSON.stringify(key)) as string) : key;
}
