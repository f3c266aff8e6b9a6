/** One named cache in this process: its definition, its memory and its loads in progress. */
import { CacheCounters } from './cache-counters.js';
import { CacheFlights } from './cache-flights.js';
import { CachePoison } from './cache-poison.js';
import type { CacheLevels } from './cache.options.js';
import { L1Cache, type L1PolicyName } from './l1-cache.js';
import type { L1Bounds } from './l1-policy.js';
import type { MemoryEntry } from './memory-entry.js';

/** A complete definition; durations in milliseconds. */
export interface CacheDefinition {
  readonly version: number;
  readonly ttl: number;
  readonly negativeTtl: number;
  readonly levels: CacheLevels;
  readonly l1: L1Bounds & { readonly policy: L1PolicyName; readonly maxTtl: number };
}

export class CacheRegion {
  readonly flights = new CacheFlights();
  readonly memory: L1Cache<MemoryEntry>;
  readonly counters: CacheCounters;
  readonly poison = new CachePoison();
  #generation: { readonly value: string; readonly epoch: number } | undefined;
  /** Moves whenever the known generation is doubted, so that a reading on its way is discarded. */
  #doubts = 0;

  constructor(
    readonly name: string,
    readonly definition: CacheDefinition,
  ) {
    this.memory = new L1Cache(definition.l1, definition.l1.policy);
    this.counters = new CacheCounters(name);
  }

  /** Forgets one key, or everything, in this process and fences the loads on their way. */
  forget(key: string | undefined): void {
    if (key !== undefined) {
      this.memory.delete(key);
      this.flights.fence(key);
      return;
    }
    this.memory.clear();
    this.flights.fenceAll();
    this.#generation = undefined;
    this.#doubts++;
  }

  /** The cache's generation as learned in this epoch of the bus; undefined: ask Redis. */
  knownGeneration(epoch: number): string | undefined {
    return this.#generation?.epoch === epoch ? this.#generation.value : undefined;
  }

  /** Reads the generation from Redis and remembers it, unless a clear arrived meanwhile. */
  async learnGeneration(epoch: number, read: () => Promise<string>): Promise<string> {
    const doubts = this.#doubts;
    const value = await read();
    if (this.#doubts === doubts) this.#generation = { value, epoch };
    return value;
  }

  /** The stamp of this node's records: see cache-record. */
  stamp(generation: string): string {
    return `${generation}.${this.definition.version}`;
  }
}
