/** What `@CachedMany()` does: items one by one from the cache, the missing ones from the method. */
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type AspectCall, type AspectMethod, methodLabel } from '../aspects/index.js';
import { CacheBatch } from './cache-batch.js';
import { CacheKeyError, CacheUnknownError } from './cache.errors.js';
import { type CacheKey, explicitKey } from './cache-key.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import type { CachedManySettings } from './cached-many.options.js';

@Injectable()
export class CachedItems implements OnApplicationBootstrap {
  /** Checked when every `@Cached()` has registered, whatever the order of the classes. */
  readonly #unchecked: { readonly name: string; readonly where: string }[] = [];

  constructor(
    private readonly registry: CacheRegistry,
    private readonly batch: CacheBatch,
  ) {}

  /** Has the cache's name checked when the application has started. */
  validate({ name }: CachedManySettings, method: AspectMethod): void {
    this.#unchecked.push({ name, where: whereOf(method) });
  }

  /** @throws CacheUnknownError `E_CACHE_UNKNOWN` */
  onApplicationBootstrap(): void {
    for (const { name, where } of this.#unchecked.splice(0)) this.#regionOf(name, where);
  }

  /** Answers a call. */
  async run(
    settings: CachedManySettings,
    call: AspectCall,
    next: (args?: readonly unknown[]) => Promise<unknown>,
  ): Promise<unknown> {
    const { args } = call;
    const region = this.#regionOf(settings.name, whereOf(call));
    const ids = settings.ids ? settings.ids(...args) : args[0];
    const position = args.indexOf(ids);
    if (!Array.isArray(ids) || position < 0)
      throw new CacheKeyError(methodLabel(call), 'is not made of an array among the parameters');
    const { pick, tags, ttl } = settings;
    const keyOf = (id: CacheKey): string => region.keyOf(explicitKey(id, region.name));
    const keys = ids.map(keyOf);
    const values = await this.batch.getOrSet({
      region,
      keys,
      factory: async (missing) => {
        const wanted = missing.map((index) => ids[index] as CacheKey);
        const items = (await next(args.with(position, wanted))) as readonly unknown[];
        const byKey = new Map(items.map((item) => [keyOf(pick(item)), item]));
        return missing.map((index) => byKey.get(keys[index] as string));
      },
      policy: {
        ...region.definition,
        ttl: ttl ?? region.definition.ttl,
        resultTags: tags && ((item) => (item === undefined ? [] : tags(item))),
      },
    });
    return values.filter((value) => value !== undefined && value !== null);
  }

  #regionOf(name: string, where: string): CacheRegion {
    const region = this.registry.find(name);
    if (region) return region;
    const known = this.registry.regions.map((other) => other.name);
    throw new CacheUnknownError(name, where, known);
  }
}

function whereOf(method: AspectMethod): string {
  return `@CachedMany() on ${methodLabel(method)}()`;
}
