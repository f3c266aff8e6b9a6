/** Reads one key: memory first, then Redis, and decides whether what it finds still counts. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { decodeValue } from './cache-codec.js';
import type { Fence } from './cache-flights.js';
import type { CacheRecord } from './cache-record.js';
import type { CacheRegion } from './cache-region.js';
import { CacheStore } from './cache.store.js';
import { InvalidationBus } from './invalidation-bus.js';
import { MemoryEntry, weigh } from './memory-entry.js';
import type { PrimitiveKey } from './primitive-key.js';

/** A value found, in an object because `undefined` is a value too. */
export interface Found {
  readonly value: unknown;
}

/** What Redis holds for a key. */
export type Reading =
  | {
      readonly state: 'value';
      readonly stamp: string;
      readonly value: unknown;
      readonly encodedLength: number;
      readonly expiresAt: number;
    }
  /** Somebody loads it. */
  | { readonly state: 'leased'; readonly stamp: string; readonly record: CacheRecord }
  /** A record of another generation or version, to be replaced. */
  | { readonly state: 'dead'; readonly stamp: string; readonly record: CacheRecord }
  | { readonly state: 'absent'; readonly stamp: string };

@Injectable()
export class CacheReader {
  constructor(
    private readonly store: CacheStore,
    private readonly bus: InvalidationBus,
    private readonly clock: Clock,
  ) {}

  /**
   * What memory may serve: only while every invalidation is sure to arrive. A cache of L2 alone has
   * nothing in memory.
   */
  recall(region: CacheRegion, key: string): Found | undefined {
    const now = this.clock.now();
    if (!this.bus.freshAt(now)) return undefined;
    const entry = region.memory.get(key, now);
    if (entry === undefined || entry.epoch === this.bus.epoch) return entry;
    region.memory.delete(key);
    return undefined;
  }

  /** As `recall`, for a key that stands for one primitive. One reading of the clock, no text. */
  recallPrimitive(region: CacheRegion, key: PrimitiveKey): Found | undefined {
    const now = this.clock.now();
    if (!this.bus.freshAt(now)) return undefined;
    const entry = region.memory.recall(key, now);
    return entry?.epoch === this.bus.epoch ? entry : undefined;
  }

  /** Keeps a value in memory, unless its key was invalidated since `fence` was set up in `epoch`. */
  remember(
    region: CacheRegion,
    key: string,
    entry: { readonly value: unknown; readonly encodedLength: number; readonly expiresAt: number },
    since: { readonly fence: Fence; readonly epoch: number },
  ): void {
    const { levels } = region.definition;
    if (levels === 'l2' || since.fence.broken) return;
    if (!this.bus.fresh || region.poison.has(key)) return;
    const { maxTtl } = region.definition.l1;
    // The bound is for messages that never come; a cache without L2 has nothing to compare with.
    const latest = levels === 'l1' ? entry.expiresAt : this.clock.now() + maxTtl;
    const { value, encodedLength } = entry;
    // Whole milliseconds are small integers; fractions would cost an object each.
    const expiresAt = Math.floor(Math.min(entry.expiresAt, latest));
    const bytes = weigh(key, value, encodedLength);
    region.memory.set(key, new MemoryEntry(value, since.epoch, expiresAt, bytes));
  }

  /** Asks Redis. Rejects when it fails or does not answer within the read deadline. */
  async read(region: CacheRegion, key: string): Promise<Reading> {
    const known = this.#trustedGeneration(region);
    const sentAt = this.clock.now();
    // Side by side, not one after the other: the generation costs no further round trip.
    const [generation, entry] = await Promise.all([
      known ?? this.#askGeneration(region),
      this.store.read({ cache: region.name, key }),
    ]);
    if (!entry) return { state: 'absent', stamp: region.stamp(generation) };
    const stamp = region.stamp(
      known === undefined || entry.record.stamp === region.stamp(known)
        ? generation
        : await this.#askGeneration(region),
    );
    const { record, remainingMs } = entry;
    if (record.stamp !== stamp) return { state: 'dead', stamp, record };
    if (record.kind === 'lease') return { state: 'leased', stamp, record };
    const found = record.kind === 'value' && decoded(record.text);
    if (!found) return { state: 'dead', stamp, record };
    return {
      state: 'value',
      stamp,
      value: found.value,
      encodedLength: record.text.length,
      expiresAt: sentAt + remainingMs,
    };
  }

  /** The stamp of a record written now. */
  async stamp(region: CacheRegion): Promise<string> {
    return region.stamp(this.#trustedGeneration(region) ?? (await this.#askGeneration(region)));
  }

  /** What the bus keeps up to date. A cache of L2 alone promises more than that: it always asks. */
  #trustedGeneration(region: CacheRegion): string | undefined {
    return region.definition.levels !== 'l2' && this.bus.fresh
      ? region.knownGeneration(this.bus.epoch)
      : undefined;
  }

  #askGeneration(region: CacheRegion): Promise<string> {
    return region.learnGeneration(this.bus.epoch, () => this.store.generation(region.name));
  }
}

/** Undefined for a damaged record. */
function decoded(text: string): Found | undefined {
  try {
    return { value: decodeValue(text) };
  } catch {
    return undefined;
  }
}
