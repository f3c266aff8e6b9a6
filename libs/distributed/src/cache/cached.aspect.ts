/** Gives `@Cached()` its behaviour. */
import { Injectable } from '@nestjs/common';
import {
  type AspectCall,
  type AspectHandler,
  type AspectMethod,
  methodLabel,
  NO_ANSWER,
  type Shortcut,
} from '../aspects/index.js';
import {
  argumentsKey,
  type CacheKeyOption,
  callKey,
  explicitKey,
  methodKey,
  storedKey,
} from './cache-key.js';
import { CacheLoader } from './cache-loader.js';
import type { Found } from './cache-reader.js';
import type { CacheRegion } from './cache-region.js';
import { CacheRegistry } from './cache-registry.js';
import type { CachedSettings } from './cached.options.js';
import { isPrimitiveKey } from './primitive-key.js';

@Injectable()
export class CachedAspect implements AspectHandler<CachedSettings> {
  readonly kind = 'cache';
  /** Per decorator and class: an inherited method has one cache per subclass. */
  readonly #regions = new WeakMap<CachedSettings, Map<object, CacheRegion>>();

  constructor(
    private readonly registry: CacheRegistry,
    private readonly loader: CacheLoader,
  ) {}

  async run(
    settings: CachedSettings,
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    const region = this.#regionOf(settings, call);
    const { args } = call;
    const { condition, unless } = settings;
    const request = {
      region,
      key: '',
      factory: next,
      ttl: region.definition.ttl,
      negativeTtl: region.definition.negativeTtl,
      unless: unless && ((value: unknown) => unless(value, ...args)),
    };
    if (condition) {
      if (!condition(...args)) return this.loader.bypass(request, 'condition');
      // What the shortcut does for methods without a condition.
      const found = this.#recall(region, settings.key, args);
      if (found) return found.value;
    }
    request.key = storedKey(methodKey(settings.key, args, region.name));
    return this.loader.getOrSet(request);
  }

  /**
   * Defines the cache at boot.
   * @throws CacheNameDuplicateError `E_CACHE_NAME_DUPLICATE`
   * @throws InvalidOptionsError `E_OPTIONS_INVALID` without any `ttl`
   */
  validate(settings: CachedSettings, method: AspectMethod): void {
    this.#regionOf(settings, method);
  }

  /** A hit in memory. A call with a `condition` takes the chain, which asks it once. */
  shortcut(settings: CachedSettings, method: AspectMethod): Shortcut | undefined {
    const region = this.#regionOf(settings, method);
    if (settings.condition || region.definition.levels === 'l2') return undefined;
    const { key } = settings;
    return (args) => {
      const found = this.#recall(region, key, args);
      return found ? found.value : NO_ANSWER;
    };
  }

  /** What one primitive identifies is found by it; for everything else the key's text is needed. */
  #recall(
    region: CacheRegion,
    key: CacheKeyOption | undefined,
    args: readonly unknown[],
  ): Found | undefined {
    if (key === undefined) {
      return args.length === 1 && isPrimitiveKey(args[0])
        ? this.loader.recallPrimitive(region, args[0])
        : this.loader.recall(region, storedKey(argumentsKey(args, region.name)));
    }
    const identity = typeof key === 'function' ? callKey(key, args) : key;
    return isPrimitiveKey(identity)
      ? this.loader.recallPrimitive(region, identity)
      : this.loader.recall(region, storedKey(explicitKey(identity, region.name)));
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
