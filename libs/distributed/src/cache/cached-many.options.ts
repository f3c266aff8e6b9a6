/** Options of `@CachedMany()`. */
import * as v from 'valibot';
import { validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import { positiveDurationSchema } from './cache-definition.options.js';
import type { CacheKey } from './cache-key.js';
import { cacheNameSchema } from './cache.options.js';

/* oxlint-disable typescript/no-explicit-any -- parameters are contravariant, see MethodAspect */
/** `A`: the method's parameters, `T`: the items of the array its promise holds. */
export interface CachedManyOptions<A extends any[] = any[], T = any> {
  /** Name of the cache, usually that of a `@Cached()` for one item. An unknown one is a boot error. */
  readonly name: string;
  /** The wanted ids: one of the parameters, itself and not a copy. Default: the first parameter. */
  readonly ids?: (...args: A) => readonly CacheKey[];
  /** The id of an item the method returned. */
  readonly pick: (item: T) => CacheKey;
  /** Lifetime of each item. Default: the cache's. */
  readonly ttl?: Duration;
  /** Tags of an item. */
  readonly tags?: (item: T) => readonly string[];
  /** Another place in the chain of aspects. Default 200. */
  readonly order?: number;
}
/* oxlint-enable typescript/no-explicit-any */

type AnyFunction<R> = (...args: readonly unknown[]) => R;

/** Checked options. */
export interface CachedManySettings {
  readonly name: string;
  readonly ids: AnyFunction<readonly CacheKey[]> | undefined;
  readonly pick: AnyFunction<CacheKey>;
  readonly ttl: number | undefined;
  readonly tags: AnyFunction<readonly string[]> | undefined;
}

const functionSchema = <R>(): v.GenericSchema<AnyFunction<R>> =>
  v.custom<AnyFunction<R>>((value) => typeof value === 'function', 'expected a function');

const schema = v.strictObject({
  name: cacheNameSchema,
  ids: v.optional(functionSchema<readonly CacheKey[]>()),
  pick: functionSchema<CacheKey>(),
  ttl: v.optional(positiveDurationSchema),
  tags: v.optional(functionSchema<readonly string[]>()),
  order: v.optional(v.number()),
});

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveCachedManyOptions(
  options: CachedManyOptions,
  path: string,
): CachedManySettings {
  const { name, ids, pick, ttl, tags } = validateOptions(schema, options, path);
  return { name, ids, pick, ttl, tags };
}
