/** Gives `@Cached()` and `@CachedMany()` their behaviour. */
import { Injectable } from '@nestjs/common';
import {
  type AspectCall,
  type AspectHandler,
  type AspectMethod,
  methodLabel,
  NO_ANSWER,
  type Shortcut,
} from '../aspects/index.js';
import { toMs } from '../time/index.js';
import {
  argumentsKey,
  type CacheKeyOption,
  callKey,
  explicitKey,
  methodKey,
  storedKey,
} from './cache-key.js';
import { CacheLoader } from './cache-loader.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import { CachedItems } from './cached-items.js';
import type { CachedManySettings } from './cached-many.options.js';
import type { CachedSettings } from './cached.options.js';
import type { LoadPolicy } from './load-request.js';
import type { MemoryEntry } from './memory-entry.js';
import { isPrimitiveKey } from './primitive-key.js';

@Injectable()
export class CachedAspect implements AspectHandler<CachedSettings | CachedManySettings> {
  readonly kind = 'cache';
  /** Per decorator and class: an inherited method has one cache per subclass. */
  readonly #regions = new WeakMap<CachedSettings, Map<object, CacheRegion>>();

  constructor(
    private readonly registry: CacheRegistry,
    private readonly loader: CacheLoader,
    private readonly items: CachedItems,
  ) {}

  async run(
    settings: CachedSettings | CachedManySettings,
    call: AspectCall,
    next: (args?: readonly unknown[]) => Promise<unknown>,
  ): Promise<unknown> {
    if (isMany(settings)) return this.items.run(settings, call, next);
    const region = this.#regionOf(settings, call);
    const { args } = call;
    const { condition } = settings;
    const wanted = !condition || Boolean(condition(...args));
    // What the shortcut does for methods without a condition.
    const entry = condition && wanted ? this.#hit(region, settings.key, args) : undefined;
    if (entry) return entry.value;
    const request = { region, factory: () => next(), policy: policyOf(settings, region, args) };
    if (!wanted) return this.loader.bypass({ ...request, key: '' }, 'condition');
    const key = region.keyOf(methodKey(settings.key, args, region.name));
    return this.loader.getOrSet({ ...request, key });
  }

  /**
   * Defines the cache at boot.
   * @throws CacheNameDuplicateError `E_CACHE_NAME_DUPLICATE`
   * @throws InvalidOptionsError `E_OPTIONS_INVALID` without any `ttl`
   */
  validate(settings: CachedSettings | CachedManySettings, method: AspectMethod): void {
    if (isMany(settings)) this.items.validate(settings, method);
    else this.#regionOf(settings, method);
  }

  /** A hit in memory. A call with a `condition` takes the chain, which asks it once. */
  shortcut(
    settings: CachedSettings | CachedManySettings,
    method: AspectMethod,
  ): Shortcut | undefined {
    if (isMany(settings)) return undefined;
    const region = this.#regionOf(settings, method);
    if (settings.condition || !region.direct) return undefined;
    const { key } = settings;
    return (args) => {
      const entry = this.#hit(region, key, args);
      return entry ? entry.value : NO_ANSWER;
    };
  }

  /** What one primitive identifies is found by it; for everything else the key's text is needed. */
  #hit(
    region: CacheRegion,
    key: CacheKeyOption | undefined,
    args: readonly unknown[],
  ): MemoryEntry | undefined {
    if (key === undefined) {
      return args.length === 1 && isPrimitiveKey(args[0])
        ? this.loader.hitPrimitive(region, args[0])
        : this.loader.hit(region, storedKey(argumentsKey(args, region.name)));
    }
    const identity = typeof key === 'function' ? callKey(key, args) : key;
    return isPrimitiveKey(identity)
      ? this.loader.hitPrimitive(region, identity)
      : this.loader.hit(region, storedKey(explicitKey(identity, region.name)));
  }

  #regionOf(settings: CachedSettings, method: AspectMethod): CacheRegion {
    const { targetClass } = method;
    const byClass = this.#regions.get(settings) ?? new Map<object, CacheRegion>();
    this.#regions.set(settings, byClass);
    const known = byClass.get(targetClass);
    if (known) return known;
    const label = methodLabel(method);
    const region = this.registry.define(settings.name ?? label, settings.definition, {
      label,
      targetClass,
    });
    byClass.set(targetClass, region);
    return region;
  }
}

function isMany(settings: CachedSettings | CachedManySettings): settings is CachedManySettings {
  return 'pick' in settings;
}

/** The rules of one call. */
function policyOf(
  { unless, tags, resultTags, cacheErrors }: CachedSettings,
  { definition }: CacheRegion,
  args: readonly unknown[],
): LoadPolicy {
  const { ttl, negativeTtl, staleWhileRevalidate, staleIfError, timeout } = definition;
  return {
    ttl,
    negativeTtl,
    staleWhileRevalidate,
    staleIfError,
    timeout,
    unless: unless && ((value) => unless(value, ...args)),
    tags: tags && (() => (typeof tags === 'function' ? tags(...args) : tags)),
    resultTags: resultTags && ((value) => resultTags(value, ...args)),
    cacheErrors: cacheErrors && ((error) => Math.ceil(toMs(cacheErrors(error), 'cacheErrors'))),
  };
}
