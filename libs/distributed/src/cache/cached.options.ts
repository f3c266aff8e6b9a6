/** Options of the decorators, and what they become. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { validateOptions } from '../distributed.validation.js';
import type { CacheKeyOption } from './cache-key.js';
import {
  type CacheDefinitionOptions,
  type InvalidateFailure,
  type ResolvedDefinition,
  cacheNameSchema,
  definitionEntries,
  invalidateFailureSchema,
} from './cache.options.js';

/* oxlint-disable typescript/no-explicit-any -- parameters are contravariant, see MethodAspect */

/** Options of `@Cached()`. `A`: the method's parameters, `R`: what its promise holds. */
export interface CachedOptions<A extends any[] = any[], R = any> extends CacheDefinitionOptions {
  /** Unique in the application. Default `Class.method` of the actual class. */
  readonly name?: string;
  /** What identifies the result. Default: all arguments. */
  readonly key?: CacheKeyOption<A>;
  /** Before: false leaves the cache aside for this call. Default: always use it. */
  readonly condition?: (...args: A) => boolean;
  /** After a load: true does not store this value. Default: store every value. */
  readonly unless?: (value: R, ...args: A) => boolean;
  /** Another place in the chain of aspects. Default 200, outside of everything but `@Partitioned()`. */
  readonly order?: number;
}

/** When an eviction happens: after the commit of the active transaction, or as soon as the method is done. */
export type CacheWhen = 'afterCommit' | 'after';

interface CacheActionOptions {
  /** Name of the cache. An unknown one is a boot error. */
  readonly name: string;
  /** Default `'afterCommit'`; without a transaction both mean: when the method has resolved. */
  readonly when?: CacheWhen;
  /** Default: the module's, which is `'throw'`. */
  readonly onInvalidateFailure?: InvalidateFailure;
  /** Another place in the chain of aspects. Default 500, around `@Transactional()`. */
  readonly order?: number;
}

/** Options of `@CacheEvict()`: either `key` or `all`. */
export type CacheEvictOptions<A extends any[] = any[]> = CacheActionOptions &
  (
    | {
        /** The entry to forget, from the method's parameters. */
        readonly key: CacheKeyOption<A>;
        readonly all?: false;
      }
    | {
        /** Forget every entry of the cache, in one step. */
        readonly all: true;
        readonly key?: undefined;
      }
  );

/** Options of `@CachePut()`. */
export interface CachePutOptions<A extends any[] = any[], R = any> extends CacheActionOptions {
  /** The entry to write, from the method's parameters. */
  readonly key: CacheKeyOption<A>;
  /** True evicts the entry instead of writing this value. Default: write every value. */
  readonly unless?: (value: R, ...args: A) => boolean;
}
/* oxlint-enable typescript/no-explicit-any */

/** The functions among the options, with their parameter types forgotten. */
type Predicate = (...args: readonly unknown[]) => unknown;

/** Checked options of `@Cached()`. */
export interface CachedSettings {
  readonly name: string | undefined;
  readonly key: CacheKeyOption | undefined;
  readonly definition: ResolvedDefinition;
  readonly condition: Predicate | undefined;
  readonly unless: Predicate | undefined;
}

/** One checked `@CacheEvict()` or `@CachePut()`. */
export interface CacheAction {
  readonly decorator: 'CacheEvict' | 'CachePut';
  readonly name: string;
  /** Undefined: the whole cache. */
  readonly key: CacheKeyOption | undefined;
  readonly when: CacheWhen;
  readonly onInvalidateFailure: InvalidateFailure | undefined;
  readonly unless: Predicate | undefined;
}

const predicate = v.optional(
  v.custom<Predicate>((value) => typeof value === 'function', 'expected a function'),
);
const key = v.custom<CacheKeyOption>(
  (value) => value !== undefined && value !== null,
  'expected a key, or a function of the parameters that returns one',
);

const cachedSchema = v.strictObject({
  ...definitionEntries,
  name: v.optional(cacheNameSchema),
  key: v.optional(key),
  condition: predicate,
  unless: predicate,
  order: v.optional(v.number()),
});

const actionEntries = {
  name: cacheNameSchema,
  when: v.optional(v.picklist(['afterCommit', 'after']), 'afterCommit'),
  onInvalidateFailure: v.optional(invalidateFailureSchema),
  order: v.optional(v.number()),
};
const evictSchema = v.strictObject({
  ...actionEntries,
  key: v.optional(key),
  all: v.optional(v.boolean(), false),
});
const putSchema = v.strictObject({ ...actionEntries, key, unless: predicate });

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveCachedOptions(options: CachedOptions, path: string): CachedSettings {
  const {
    name,
    key: keyOption,
    condition,
    unless,
    order: _order,
    ...definition
  } = validateOptions(cachedSchema, options, path);
  return { name, key: keyOption, condition, unless, definition };
}

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveEvictOptions(options: CacheEvictOptions, path: string): CacheAction {
  const {
    name,
    key: keyOption,
    all,
    when,
    onInvalidateFailure,
  } = validateOptions(evictSchema, options, path);
  if (all === (keyOption !== undefined))
    throw new InvalidOptionsError(path, 'give either `key` or `all: true`');
  return {
    decorator: 'CacheEvict',
    name,
    key: keyOption,
    when,
    onInvalidateFailure,
    unless: undefined,
  };
}

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolvePutOptions(options: CachePutOptions, path: string): CacheAction {
  const {
    name,
    key: keyOption,
    when,
    onInvalidateFailure,
    unless,
  } = validateOptions(putSchema, options, path);
  return { decorator: 'CachePut', name, key: keyOption, when, onInvalidateFailure, unless };
}
