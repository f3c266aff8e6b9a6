/** The twin of the decorators: the same caches, by name, from code. */
import { Injectable } from '@nestjs/common';
import { InvalidOptionsError } from '../distributed.errors.js';
import { Clock, type Duration, toMs } from '../time/index.js';
import { CacheBatch } from './cache-batch.js';
import { CacheInvalidator } from './cache-invalidator.js';
import { type CacheKey, explicitKey } from './cache-key.js';
import type { CacheLoad } from './cache-load.js';
import { CacheLoader } from './cache-loader.js';
import { type CacheRegion, isolated } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import type {
  CacheHealth,
  CacheHit,
  CacheStats,
  ClearOptions,
  DeleteOptions,
  GetOrSetOptions,
  SetOptions,
} from './cache-service.options.js';
import { CacheWriter, type InvalidationTerms } from './cache-writer.js';
import { settle } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import { L2Breaker } from './l2-breaker.js';
import type { LoadPolicy, LoadRequest } from './load-request.js';
import type { MemoryEntry } from './memory-entry.js';
import { isPrimitiveKey } from './primitive-key.js';

/**
 * Caches by name. A name that no `@Cached()` and no module option defines is a cache with the
 * module's defaults. Keys follow the rules of `@Cached({ key })`.
 */
@Injectable()
export class CacheService {
  constructor(
    private readonly registry: CacheRegistry,
    private readonly loader: CacheLoader,
    private readonly batch: CacheBatch,
    private readonly writer: CacheWriter,
    private readonly invalidator: CacheInvalidator,
    private readonly bus: InvalidationBus,
    private readonly breaker: L2Breaker,
    private readonly clock: Clock,
  ) {}

  /**
   * The cached value, or what `factory` returns: loaded once per cluster, stored, and given to all
   * callers as the same frozen plain data.
   * @throws CacheKeyError `E_CACHE_KEY`, CacheValueError `E_CACHE_VALUE`, CacheTimeoutError
   * `E_CACHE_TIMEOUT`, and the factory's own error
   */
  async getOrSet<T>(
    name: string,
    key: CacheKey,
    factory: (load: CacheLoad) => T | Promise<T>,
    options: GetOrSetOptions<T> = {},
  ): Promise<T> {
    const entry = this.#hit(name, key);
    if (entry) return entry.value as T;
    return (await this.loader.getOrSet(this.#request(name, key, factory, options))) as T;
  }

  /** Loads and stores a new value, whatever is cached; otherwise as `getOrSet`. */
  async refresh<T>(
    name: string,
    key: CacheKey,
    factory: (load: CacheLoad) => T | Promise<T>,
    options: GetOrSetOptions<T> = {},
  ): Promise<T> {
    return (await this.loader.refresh(this.#request(name, key, factory, options))) as T;
  }

  /**
   * The cached value, or undefined on a miss. Does not wait for a load that is on its way. Rejects
   * with a cached error.
   */
  async get<T>(name: string, key: CacheKey): Promise<CacheHit<T> | undefined> {
    const entry = this.#hit(name, key);
    if (entry) return { value: entry.value as T };
    const region = this.registry.open(name);
    const outcome = await this.loader.get(region, keyOf(region, key));
    return outcome && { value: isolated(region, settle(outcome)) as T };
  }

  /** As `get` for several keys, in one round trip; in the order of `keys`. */
  async getMany<T>(name: string, keys: readonly CacheKey[]): Promise<(CacheHit<T> | undefined)[]> {
    const region = this.registry.open(name);
    const outcomes = await this.batch.get(
      region,
      keys.map((key) => keyOf(region, key)),
    );
    return outcomes.map((outcome) => outcome && { value: isolated(region, settle(outcome)) as T });
  }

  /**
   * As `getOrSet` for several keys: one round trip, and one run of `factory` for the keys that are
   * missing; it returns their values in the order it was given the keys.
   * @throws CacheBatchError `E_CACHE_BATCH`, and what `getOrSet` throws
   */
  async getOrSetMany<K extends CacheKey, T>(
    name: string,
    keys: readonly K[],
    factory: (missing: readonly K[]) => readonly T[] | Promise<readonly T[]>,
    options: GetOrSetOptions<T> = {},
  ): Promise<T[]> {
    const region = this.registry.open(name);
    const values = await this.batch.getOrSet({
      region,
      keys: keys.map((key) => keyOf(region, key)),
      factory: async (missing) => factory(missing.map((index) => keys[index] as K)),
      policy: policyOf(region, options),
    });
    return values as T[];
  }

  /** Whether `get` would find a value. */
  async has(name: string, key: CacheKey): Promise<boolean> {
    const region = this.registry.open(name);
    const outcome = await this.loader.get(region, keyOf(region, key));
    return outcome !== undefined && !outcome.failure;
  }

  /** For how many milliseconds the value is fresh; 0 when it is stale, undefined on a miss. */
  async ttl(name: string, key: CacheKey): Promise<number | undefined> {
    const region = this.registry.open(name);
    const found = await this.loader.find(region, keyOf(region, key));
    return found && Math.max(0, found.lifetime.freshUntil - this.clock.now());
  }

  /**
   * Writes a value made elsewhere. Of two writers that do not lock, the later call wins, whatever
   * the order of their commits: where that matters, `delete`.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async set(name: string, key: CacheKey, value: unknown, options: SetOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    const put = await this.writer.prepare({
      region,
      key: keyOf(region, key),
      ...terms(options),
    });
    const { ttl, negativeTtl } = region.definition;
    const normal = options.ttl === undefined ? ttl : lifetime(options.ttl);
    const ttlMs = value === null || value === undefined ? negativeTtl : normal;
    await this.writer.put(put, { value, ttlMs, tags: options.tags });
  }

  /**
   * Forgets one entry on every node: when this resolves, no load that began earlier can bring it
   * back. Inside a transaction it waits for the commit.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async delete(name: string, key: CacheKey, options: DeleteOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    await this.writer.evict({ region, key: keyOf(region, key), ...terms(options) });
  }

  /**
   * Makes one entry stale: the next call loads a new value, and the old one may be served meanwhile,
   * or when that fails, as far as `staleWhileRevalidate` and `staleIfError` allow. Without them it is
   * the same as `delete`.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async expire(name: string, key: CacheKey, options: DeleteOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    const mode = 'expire';
    await this.writer.evict({ region, key: keyOf(region, key), ...terms({ ...options, mode }) });
  }

  /**
   * Forgets every entry, of every cache, that carries one of the tags. One step per tag, however
   * many entries there are; otherwise as `delete`.
   * @throws CacheInvalidationError `E_CACHE_INVALIDATION`
   */
  async invalidateTags(tags: readonly string[], options: ClearOptions = {}): Promise<void> {
    await this.writer.evictTags(tags, terms(options));
  }

  /** Forgets a whole cache in one step, whatever its size; otherwise as `delete`. */
  async clear(name: string, options: ClearOptions = {}): Promise<void> {
    const region = this.registry.open(name);
    await this.writer.evict({ region, key: undefined, ...terms(options) });
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

  health(): CacheHealth {
    return {
      bus: this.bus.fresh ? 'up' : 'down',
      l2: this.breaker.state,
      pendingInvalidations: this.invalidator.pending,
    };
  }

  /** A hit in memory, without building the key's text. */
  #hit(name: string, key: unknown): MemoryEntry | undefined {
    // The decorator takes an argument of '' or NaN; as a key it is refused further on.
    if (!isPrimitiveKey(key) || key === '' || Number.isNaN(key)) return undefined;
    return this.loader.hitPrimitive(this.registry.open(name), key);
  }

  #request<T>(
    name: string,
    key: CacheKey,
    factory: (load: CacheLoad) => T | Promise<T>,
    options: GetOrSetOptions<T>,
  ): LoadRequest {
    const region = this.registry.open(name);
    return { region, key: keyOf(region, key), factory, policy: policyOf(region, options) };
  }
}

function policyOf<T>({ definition }: CacheRegion, options: GetOrSetOptions<T>): LoadPolicy {
  const { tags, unless, cacheErrors, timeout } = options;
  const ms = (field: Duration | undefined, path: string, otherwise: number): number =>
    field === undefined ? otherwise : Math.ceil(toMs(field, path));
  return {
    ttl: options.ttl === undefined ? definition.ttl : lifetime(options.ttl),
    negativeTtl: ms(options.negativeTtl, 'negativeTtl', definition.negativeTtl),
    staleWhileRevalidate: ms(
      options.staleWhileRevalidate,
      'staleWhileRevalidate',
      definition.staleWhileRevalidate,
    ),
    staleIfError: ms(options.staleIfError, 'staleIfError', definition.staleIfError),
    timeout: timeout
      ? {
          soft: timeout.soft === undefined ? undefined : lifetime(timeout.soft),
          hard: timeout.hard === undefined ? undefined : lifetime(timeout.hard),
        }
      : definition.timeout,
    background: options.background,
    resultTags: tags && ((value) => (typeof tags === 'function' ? tags(value as T) : tags)),
    unless: unless && ((value) => unless(value as T)),
    cacheErrors: cacheErrors && ((error) => Math.ceil(toMs(cacheErrors(error), 'cacheErrors'))),
  };
}

function keyOf(region: CacheRegion, key: CacheKey): string {
  return region.keyOf(explicitKey(key, region.name));
}

function terms({
  mode,
  when = 'afterCommit',
  onInvalidateFailure,
}: ClearOptions): InvalidationTerms {
  return { mode: mode === 'expire' ? 'soft' : 'hard', when, onFailure: onInvalidateFailure };
}

function lifetime(ttl: Duration): number {
  const ms = Math.ceil(toMs(ttl, 'ttl'));
  if (ms > 0) return ms;
  throw new InvalidOptionsError('ttl', 'expected a duration greater than 0');
}
