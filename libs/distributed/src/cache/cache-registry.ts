/** The caches of one application by name; two definitions of one name are a boot error. */
import { Inject, Injectable } from '@nestjs/common';
import { InvalidOptionsError } from '../distributed.errors.js';
import { CacheNameDuplicateError } from './cache.errors.js';
import {
  completeDefinition,
  type ResolvedDefaults,
  type ResolvedDefinition,
} from './cache-definition.options.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { CacheRegion } from './cache-region.js';

/** Who defines a cache: a method of a class. */
export interface CacheOwner {
  readonly label: string;
  readonly targetClass: object;
}

interface Registration {
  readonly region: CacheRegion;
  readonly owner: CacheOwner | undefined;
}

@Injectable()
export class CacheRegistry {
  readonly #caches = new Map<string, Registration>();

  constructor(@Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions) {
    for (const [name, definition] of Object.entries(options.caches))
      this.#add(name, definition, undefined, `DistributedModule.forRoot().cache.caches.${name}`);
  }

  get regions(): CacheRegion[] {
    return [...this.#caches.values()].map(({ region }) => region);
  }

  find(name: string): CacheRegion | undefined {
    return this.#caches.get(name)?.region;
  }

  /**
   * The cache of a `@Cached()` method. The same method may register again.
   * @throws CacheNameDuplicateError `E_CACHE_NAME_DUPLICATE`
   * @throws InvalidOptionsError `E_OPTIONS_INVALID` when neither it nor the module has a `ttl`
   */
  define(name: string, definition: ResolvedDefinition, owner: CacheOwner): CacheRegion {
    const known = this.#caches.get(name);
    if (!known) return this.#add(name, definition, owner, `@Cached() on ${owner.label}()`);
    if (known.owner?.targetClass === owner.targetClass && known.owner.label === owner.label)
      return known.region;
    throw new CacheNameDuplicateError(
      name,
      known.owner ? `${known.owner.label}()` : 'the module options or CacheService',
      `${owner.label}()`,
    );
  }

  /**
   * The cache of this name, made with the module's defaults when nobody defines it.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID` when the module has no default `ttl`
   */
  open(name: string): CacheRegion {
    return this.find(name) ?? this.#add(name, {}, undefined, `CacheService: cache '${name}'`);
  }

  #add(
    name: string,
    definition: ResolvedDefinition,
    owner: CacheOwner | undefined,
    path: string,
  ): CacheRegion {
    const ttl = definition.ttl ?? this.options.ttl;
    if (ttl === undefined)
      throw new InvalidOptionsError(
        path,
        "has no `ttl`; give it one, or a default for all caches: cache: { ttl: '1m' }",
      );
    const defaults = pick(this.options);
    const region = new CacheRegion(name, completeDefinition(definition, defaults, ttl));
    this.#caches.set(name, { region, owner });
    return region;
  }
}

/** Of the module's options those that are defaults of its caches. */
function pick(options: ResolvedCacheOptions): ResolvedDefaults {
  const { l2: _l2, lease: _lease, bus: _bus, caches: _caches, ...rest } = options;
  const { l1OnBusDown: _down, onInvalidateFailure: _failure, ...defaults } = rest;
  return defaults;
}
