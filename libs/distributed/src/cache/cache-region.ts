/** One named cache in this process: its definition, its memory and its loads in progress. */
import { CacheCounters } from './cache-counters.js';
import { scopedKey, storedKey } from './cache-key.js';
import { CacheFlights } from './cache-flights.js';
import { CachePoison } from './cache-poison.js';
import type { CacheDefinition } from './cache-definition.options.js';
import type { InvalidationMode } from './cache.store.js';
import type { MarkVersion } from './entry-format.js';
import { startingWith } from './lifetime.js';
import { L1Cache } from './l1-cache.js';
import { type EntryOrigin, MemoryEntry } from './memory-entry.js';

/** What a caller gets of a value that others get too. */
export function isolated({ definition }: CacheRegion, value: unknown): unknown {
  return definition.l1.isolation === 'clone' ? structuredClone(value) : value;
}

export class CacheRegion {
  readonly flights = new CacheFlights();
  /** Whether loads of this cache have tags, as far as is known. */
  tagged = false;
  /** Loads in the background, of values that callers still get. */
  readonly refreshes = new CacheFlights();
  readonly memory: L1Cache<MemoryEntry>;
  /** Whether a hit in memory may be handed out without the rest of the way. */
  readonly direct: boolean;
  readonly counters: CacheCounters;
  readonly poison = new CachePoison();
  #generation: { readonly value: MarkVersion; readonly epoch: number } | undefined;
  #origin: EntryOrigin | undefined;
  /** Moves whenever the known generation is doubted, so that a reading on its way is discarded. */
  #doubts = 0;

  constructor(
    readonly name: string,
    readonly definition: CacheDefinition,
  ) {
    const { levels, consistency, scope, l1 } = definition;
    this.memory = new L1Cache(l1, l1.policy);
    this.direct =
      levels !== 'l2' &&
      consistency === 'bounded' &&
      scope.length === 0 &&
      l1.isolation !== 'clone';
    this.counters = new CacheCounters(name);
  }

  /** The name of an entry inside this cache, from the text of its key. */
  keyOf(text: string): string {
    const { scope } = this.definition;
    return storedKey(scope.length === 0 ? text : scopedKey(text, scope, this.name));
  }

  /** Forgets one key, or everything, in this process and fences the loads on their way. */
  forget(key: string | undefined, mode: InvalidationMode, now: number): void {
    if (key !== undefined) {
      this.#release(key, mode, now);
      this.flights.fence(key);
      this.refreshes.fence(key);
      return;
    }
    this.memory.clear();
    this.flights.fenceAll();
    this.refreshes.fenceAll();
    this.#generation = undefined;
    this.#doubts++;
  }

  /** What only memory holds may go on being served stale; the rest is in Redis. */
  #release(key: string, mode: InvalidationMode, now: number): void {
    const entry =
      mode === 'soft' && this.definition.levels === 'l1' ? this.memory.peek(key) : undefined;
    if (!entry) {
      this.memory.delete(key);
      return;
    }
    const { found, origin, epoch, checkAt, bytes } = entry;
    const lifetime = startingWith(Math.min(found.lifetime.freshUntil, now), found);
    const instants = { checkAt, refreshAt: now };
    this.memory.set(key, new MemoryEntry({ ...found, lifetime }, origin, epoch, instants, bytes));
  }

  /** What a value has in common with others: the same object as for the last one, if it can be. */
  originOf({ generation, staleWhileRevalidate, staleIfError }: EntryOrigin): EntryOrigin {
    const last = this.#origin;
    const same =
      last?.generation.hard === generation.hard &&
      last.generation.soft === generation.soft &&
      last.staleWhileRevalidate === staleWhileRevalidate &&
      last.staleIfError === staleIfError;
    return same ? last : (this.#origin = { generation, staleWhileRevalidate, staleIfError });
  }

  /** The cache's generation as learned in this epoch of the bus; undefined: ask Redis. */
  knownGeneration(epoch: number): MarkVersion | undefined {
    return this.#generation?.epoch === epoch ? this.#generation.value : undefined;
  }

  /** Reads the generation from Redis and remembers it, unless a clear arrived meanwhile. */
  async learnGeneration(epoch: number, read: () => Promise<MarkVersion>): Promise<MarkVersion> {
    const doubts = this.#doubts;
    const value = await read();
    if (this.#doubts === doubts) this.#generation = { value, epoch };
    return value;
  }
}
