/** L1 of every cache: what may be served from memory, and what may enter it. */
import { Inject, Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import type { Fence } from './cache-flights.js';
import type { CacheRegion } from './cache-region.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import type { FoundValue } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import { MemoryEntry, memoryState, type MemoryState, weigh } from './memory-entry.js';
import type { PrimitiveKey } from './primitive-key.js';
import { refreshTime } from './refresh-ahead.js';

/** When a read or a load began, as far as invalidations are concerned. */
export interface Since {
  readonly fence: Fence;
  readonly epoch: number;
}

/** An entry and what it is worth now. */
export interface Recalled {
  readonly entry: MemoryEntry;
  readonly state: MemoryState;
}

/** So long nobody here tries to refresh a value again after an attempt that brought nothing. */
const REFRESH_PAUSE_MS = 1_000;

@Injectable()
export class CacheMemory {
  constructor(
    private readonly bus: InvalidationBus,
    private readonly clock: Clock,
    private readonly random: Random,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /** To be called when a read or a load begins, and `end` when it has ended. */
  watch(region: CacheRegion, key: string): { readonly since: Since; readonly end: () => void } {
    const fence = region.flights.watch(key);
    return {
      since: { fence, epoch: this.bus.epoch },
      end: () => region.flights.release(key, fence),
    };
  }

  /** The value of a hit that needs no thought, by the text of its key. */
  hit(region: CacheRegion, key: string): MemoryEntry | undefined {
    const now = this.clock.now();
    return this.#plain(region.memory.get(key, now), now);
  }

  /** The same for a key that stands for one primitive. One reading of the clock, no text. */
  hitPrimitive(region: CacheRegion, key: PrimitiveKey): MemoryEntry | undefined {
    const now = this.clock.now();
    const { bus } = this;
    const entry = region.memory.recall(key, now);
    return entry !== undefined && entry.isPlain(now, bus.epoch) && bus.freshAt(now)
      ? entry
      : undefined;
  }

  /** What memory holds of `key`, unless it is of no use any more. */
  recall(region: CacheRegion, key: string): Recalled | undefined {
    const now = this.clock.now();
    const entry = region.memory.get(key, now);
    if (!entry) return undefined;
    const state = this.#stateOf(region, entry, now);
    if (state !== 'over') return { entry, state };
    region.memory.delete(key);
    return undefined;
  }

  /** Keeps a value, unless its key was invalidated since the read or load began. */
  remember(region: CacheRegion, key: string, found: FoundValue, since: Since): void {
    const { levels, l1, refreshAhead } = region.definition;
    if (levels === 'l2' || since.fence.broken || region.poison.has(key)) return;
    if (!this.bus.fresh && (levels === 'l1' || this.options.l1OnBusDown === 'bypass')) return;
    const now = this.clock.now();
    const { freshUntil } = found.lifetime;
    // The bound is for messages that never come; a cache without L2 has nothing to compare with.
    const checkAt = levels === 'l1' ? Number.MAX_SAFE_INTEGER : now + l1.maxTtl;
    const { loadMs } = found;
    const facts = { now, freshUntil, loadMs, random: this.random.next() };
    const refreshAt = refreshTime(refreshAhead, facts);
    // A value that was only confirmed is as heavy as before.
    const known = region.memory.peek(key);
    const bytes =
      known?.mark === found.mark && found.encodedLength === 0
        ? known.bytes
        : weigh(key, found.outcome, found.encodedLength);
    const origin = region.originOf(found);
    const instants = { checkAt, refreshAt };
    region.memory.set(key, new MemoryEntry(found, origin, since.epoch, instants, bytes));
  }

  /** After an attempt to refresh that brought nothing new: others are at it, or it failed. */
  pause(region: CacheRegion, key: string): void {
    region.memory.peek(key)?.postpone(this.clock.now() + REFRESH_PAUSE_MS);
  }

  #plain(entry: MemoryEntry | undefined, now: number): MemoryEntry | undefined {
    if (entry === undefined || !this.bus.freshAt(now)) return undefined;
    return entry.isPlain(now, this.bus.epoch) ? entry : undefined;
  }

  #stateOf(region: CacheRegion, entry: MemoryEntry, now: number): MemoryState {
    const { levels, consistency } = region.definition;
    const { epoch } = this.bus;
    const fresh = this.bus.freshAt(now);
    const down = this.options.l1OnBusDown;
    if (!fresh && down === 'serve')
      return memoryState(entry, { now, epoch: entry.epoch, trusting: true });
    const trusting = fresh && consistency === 'bounded';
    const state = memoryState(entry, { now, epoch, trusting });
    // Without L2 there is nobody to ask, and `bypass` does not want to.
    const unaskable = levels === 'l1' || (!fresh && down === 'bypass');
    return state === 'doubtful' && unaskable ? 'over' : state;
  }
}
