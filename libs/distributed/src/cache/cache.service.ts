/** The twin of the decorators: the same caches, by name, from code. */
import { Injectable } from '@nestjs/common';
import { InvalidOptionsError } from '../distributed.errors.js';
import { type Duration, toMs } from '../time/index.js';
import { CacheInvalidator } from './cache-invalidator.js';
import type { CacheCounts } from './cache-counters.js';
import { type CacheKey, explicitKey, storedKey } from './cache-key.js';
import { CacheLoader } from './cache-loader.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheWriter } from './cache-writer.js';
import type { InvalidateFailure } from './cache.options.js';
import type { CacheWhen } from './cached.options.js';
import { InvalidationBus } from './invalidation-bus.js';
import { isPrimitiveKey } from './primitive-key.js';

/** Options of one `getOrSet`. */
export interface GetOrSetOptions<T = unknown> {
  /** Lifetime of this value. Default: the cache's. */
  readonly ttl?: Duration;
  /** Lifetime of this value if it is `null` or `undefined`; 0 does not store it. Default: the cache's. */
  readonly negativeTtl?: Duration;
  /** True does not store this value. */
  readonly unless?: (value: T) => boolean;
}

/** Options of `delete` and `clear`. */
export interface DeleteOptions {
  /** Default `'afterCommit'`. */
  readonly when?: CacheWhen;
  /** Default: the module's. */
  readonly onInvalidateFailure?: InvalidateFailure;
}

/** Options of `set`. */
export interface SetOptions extends DeleteOptions {
  /** Lifetime of this value. Default: the cache's. */
  readonly ttl?: Duration;
}

/** A cached value; in an object, because `undefined` can be one. */
export interface CacheHit<T> {
  readonly value: T;
}

/** What one cache did in this process. */
export interface CacheStats extends CacheCounts {
  /** Entries in memory now. */
  readonly l1Entries: number;
  /** Their estimated bytes. */
  readonly l1Bytes: number;
  /** Entries that left memory for lack of room. */
  readonly l1Evictions: number;
  /** Loads in progress. */
  readonly flights: number;
  /** Evictions that wait for a confirmation. */
  readonly poisoned: number;
}

/** Whether the capability works as it should. */
export interface CacheHealth {
  /** `down`: messages of other nodes may be missed, so nothing is served from memory. */
  readonly bus: 'up' | 'down';
  /** Evictions that Redis has not confirmed; they are repeated until it does. */
  readonly pendingInvalidations: number;
}

/**
 * Caches by name. A name that no `@Cached()` and no module option defines is a cache with the
 * module's defaults. Keys follow the rules of `@Cached({ key })`.
 */
@Injectable()
export class CacheService {
  constructor(
    private readonly registry: CacheRegistry,
    private readonly loader: CacheLoader,
    private readonly writer: CacheWriter,
    private readonly invalidator: CacheInvalidator,
    private readonly bus: InvalidationBus,
  ) {}

  /**
   * The cached value, or what `factory` returns: loaded once per cluster, stored, and given to all
   * callers as the same frozen plain data.
   * @throws CacheKeyError `E_CACHE_KEY`, CacheValueError `E_CACHE_VALUE`, and the factory's own error
   */
  async getOrSet<T>(
    name: string,
    key: CacheKey,
    factory: () => T | Promise<T>,
    options: GetOrSetOptions<T> = {},
  ): Promise<T> {
    const region = this.registry.open(name);
    const known = this.#recall(region, key);
    if (known) return known.value as T;
    const { ttl, negativeTtl } = region.definition;
    const value = await this.loader.getOrSet({
      region,
      key: keyOf(region, key),
      factory,
      ttl: options.ttl === undefined ? ttl : lifetime(options.ttl),
      negativeTtl:
        options.negativeTtl === undefined
          ? negativeTtl
          : Math.ceil(toMs(options.negativeTtl, 'negativeTtl')),
      unless: options.unless as ((value: unknown) => boolean) | undefined,
    });
    return value as T;
  }

  /** The cached value, or undefined on a miss. Does not wait for a load that is on its way. */
  async get<T>(name: string, key: CacheKey): Promise<CacheHit<T> | undefined> {
    const region = this.registry.open(name);
    const known = this.#recall(region, key);
    if (known) return { value: known.value as T };
    const found = await this.loader.get(region, keyOf(region, key));
    return found && { value: found.value as T };
  }

  /**
   * Writes a value made elsewhere. Of two writers that do not lock, the later call wins, whatever
   * the order of their commits: where that matters, `delete`.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async set(name: string, key: CacheKey, value: unknown, options: SetOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    const put = await this.writer.prepare({
      ...target(region, options),
      key: keyOf(region, key),
    });
    const { ttl, negativeTtl } = region.definition;
    const normal = options.ttl === undefined ? ttl : lifetime(options.ttl);
    await this.writer.put(put, value, value === null || value === undefined ? negativeTtl : normal);
  }

  /**
   * Forgets one entry on every node: when this resolves, no load that began earlier can bring it
   * back. Inside a transaction it waits for the commit.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async delete(name: string, key: CacheKey, options: DeleteOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    await this.writer.evict({ ...target(region, options), key: keyOf(region, key) });
  }

  /** Forgets a whole cache in one step, whatever its size; otherwise as `delete`. */
  async clear(name: string, options: DeleteOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    await this.writer.evict({ ...target(region, options), key: undefined });
  }

  /** What each cache did in this process, by name. */
  stats(): Readonly<Record<string, CacheStats>> {
    return Object.fromEntries(
      this.registry.regions.map((region) => [
        region.name,
        {
          ...region.counters.snapshot(),
          l1Entries: region.memory.size,
          l1Bytes: region.memory.bytes,
          l1Evictions: region.memory.stats().evictions,
          flights: region.flights.size,
          poisoned: region.poison.size,
        },
      ]),
    );
  }

  /** A hit in memory, without building the key's text. */
  #recall(region: CacheRegion, key: unknown): CacheHit<unknown> | undefined {
    // The decorator takes an argument of '' or NaN; as a key it is refused further on.
    const identifies = isPrimitiveKey(key) && key !== '' && !Number.isNaN(key);
    return identifies ? this.loader.recallPrimitive(region, key) : undefined;
  }

  health(): CacheHealth {
    return {
      bus: this.bus.fresh ? 'up' : 'down',
      pendingInvalidations: this.invalidator.pending,
    };
  }
}

function keyOf(region: CacheRegion, key: CacheKey): string {
  return storedKey(explicitKey(key, region.name));
}

function target(
  region: CacheRegion,
  { when = 'afterCommit', onInvalidateFailure }: DeleteOptions,
): { region: CacheRegion; when: CacheWhen; onFailure: InvalidateFailure | undefined } {
  return { region, when, onFailure: onInvalidateFailure };
}

function lifetime(ttl: Duration): number {
  const ms = Math.ceil(toMs(ttl, 'ttl'));
  if (ms > 0) return ms;
  throw new InvalidOptionsError('ttl', 'expected a duration greater than 0');
}
