/** Options of the decorators, and what they become. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import type { CacheKeyOption } from './cache-key.js';
import {
  type CacheDefinitionOptions,
  definitionEntries,
  type ResolvedDefinition,
} from './cache-definition.options.js';
import {
  type InvalidateFailure,
  cacheNameSchema,
  invalidateFailureSchema,
} from './cache.options.js';
import type { InvalidationMode } from './cache.store.js';

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
  /** Tags of the entry, from the method's parameters: `invalidateTags` finds it by them. Tags span caches. */
  readonly tags?: readonly string[] | ((...args: A) => readonly string[]);
  /** Further tags, from the loaded value. */
  readonly resultTags?: (value: R, ...args: A) => readonly string[];
  /** For how long an error of the method is cached for everybody; 0 does not. Default: never. */
  readonly cacheErrors?: (error: unknown) => Duration;
  /** Another place in the chain of aspects. Default 200, outside of everything but `@Partitioned()`. */
  readonly order?: number;
}

/** When an eviction happens: after the commit of the active transaction, or as soon as the method is done. */
export type CacheWhen = 'afterCommit' | 'after';

interface CacheActionOptions {
  /** Default `'afterCommit'`; without a transaction both mean: when the method has resolved. */
  readonly when?: CacheWhen;
  /** Default: the module's, which is `'throw'`. */
  readonly onInvalidateFailure?: InvalidateFailure;
  /** Another place in the chain of aspects. Default 500, around `@Transactional()`. */
  readonly order?: number;
}

/** Options of `@CacheEvict()`: `key`, `tags` or `all`. */
export type CacheEvictOptions<A extends any[] = any[]> = CacheActionOptions & {
  /** `delete`: the value is gone. `expire`: it is stale, and may still be served as such. Default `'delete'`. */
  readonly mode?: 'delete' | 'expire';
} & (
    | {
        /** Name of the cache. An unknown one is a boot error. */
        readonly name: string;
        /** The entry to forget, from the method's parameters. */
        readonly key: CacheKeyOption<A>;
        readonly tags?: undefined;
        readonly all?: false;
      }
    | {
        /** Checked at boot if it is given; tags span caches. */
        readonly name?: string;
        /** Forget every entry that carries one of them, in every cache. */
        readonly tags: readonly string[] | ((...args: A) => readonly string[]);
        readonly key?: undefined;
        readonly all?: false;
      }
    | {
        /** Name of the cache. An unknown one is a boot error. */
        readonly name: string;
        /** Forget every entry of the cache, in one step. */
        readonly all: true;
        readonly key?: undefined;
        readonly tags?: undefined;
      }
  );

/** Options of `@CachePut()`. */
export interface CachePutOptions<A extends any[] = any[], R = any> extends CacheActionOptions {
  /** Name of the cache. An unknown one is a boot error. */
  readonly name: string;
  /** The entry to write, from the method's parameters. */
  readonly key: CacheKeyOption<A>;
  /** True evicts the entry instead of writing this value. Default: write every value. */
  readonly unless?: (value: R, ...args: A) => boolean;
  /** Tags of the entry. */
  readonly tags?: readonly string[] | ((value: R, ...args: A) => readonly string[]);
}
/* oxlint-enable typescript/no-explicit-any */

/** The functions among the options, with their parameter types forgotten. */
type Predicate = (...args: readonly unknown[]) => unknown;
type Tags = readonly string[] | ((...args: readonly unknown[]) => readonly string[]);

/** Checked options of `@Cached()`. */
export interface CachedSettings {
  readonly name: string | undefined;
  readonly key: CacheKeyOption | undefined;
  readonly definition: ResolvedDefinition;
  readonly condition: Predicate | undefined;
  readonly unless: Predicate | undefined;
  readonly tags: Tags | undefined;
  readonly resultTags: ((...args: readonly unknown[]) => readonly string[]) | undefined;
  readonly cacheErrors: ((error: unknown) => Duration) | undefined;
}

/** One checked `@CacheEvict()` or `@CachePut()`. */
export interface CacheAction {
  readonly decorator: 'CacheEvict' | 'CachePut';
  /** Undefined only for an eviction by tags. */
  readonly name: string | undefined;
  /** Undefined: the whole cache, or what carries the tags. */
  readonly key: CacheKeyOption | undefined;
  /** Of an eviction: which entries; of a put: which the entry carries. */
  readonly tags: Tags | undefined;
  readonly mode: InvalidationMode;
  readonly when: CacheWhen;
  readonly onInvalidateFailure: InvalidateFailure | undefined;
  readonly unless: Predicate | undefined;
}

const predicate = v.optional(
  v.custom<Predicate>((value) => typeof value === 'function', 'expected a function'),
);
const tags = v.optional(
  v.union([
    v.array(v.string()),
    v.custom<(...args: readonly unknown[]) => readonly string[]>(
      (value) => typeof value === 'function',
    ),
  ]),
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
  tags,
  resultTags: v.optional(
    v.custom<(...args: readonly unknown[]) => readonly string[]>(
      (value) => typeof value === 'function',
      'expected a function',
    ),
  ),
  cacheErrors: v.optional(
    v.custom<(error: unknown) => Duration>(
      (value) => typeof value === 'function',
      'expected a function',
    ),
  ),
  order: v.optional(v.number()),
});

const actionEntries = {
  when: v.optional(v.picklist(['afterCommit', 'after']), 'afterCommit'),
  onInvalidateFailure: v.optional(invalidateFailureSchema),
  order: v.optional(v.number()),
};
const evictSchema = v.strictObject({
  ...actionEntries,
  name: v.optional(cacheNameSchema),
  key: v.optional(key),
  tags,
  mode: v.optional(v.picklist(['delete', 'expire']), 'delete'),
  all: v.optional(v.boolean(), false),
});
const putSchema = v.strictObject({
  ...actionEntries,
  name: cacheNameSchema,
  key,
  tags,
  unless: predicate,
});

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveCachedOptions(options: CachedOptions, path: string): CachedSettings {
  const {
    name,
    key: keyOption,
    condition,
    unless,
    tags: tagOption,
    resultTags,
    cacheErrors,
    order: _order,
    ...definition
  } = validateOptions(cachedSchema, options, path);
  return {
    name,
    key: keyOption,
    condition,
    unless,
    tags: tagOption,
    resultTags,
    cacheErrors,
    definition,
  };
}

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveEvictOptions(options: CacheEvictOptions, path: string): CacheAction {
  const { order: _order, all, mode, ...rest } = validateOptions(evictSchema, options, path);
  const targets = [rest.key !== undefined, rest.tags !== undefined, all].filter(Boolean);
  if (targets.length !== 1)
    throw new InvalidOptionsError(path, 'give one of `key`, `tags` and `all: true`');
  if (rest.name === undefined && rest.tags === undefined)
    throw new InvalidOptionsError(path, 'has no `name` of a cache');
  return {
    ...actionDefaults,
    ...rest,
    decorator: 'CacheEvict',
    mode: mode === 'expire' ? 'soft' : 'hard',
  };
}

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolvePutOptions(options: CachePutOptions, path: string): CacheAction {
  const { order: _order, ...rest } = validateOptions(putSchema, options, path);
  return { ...actionDefaults, ...rest, decorator: 'CachePut', mode: 'hard' };
}

/** Fields that may be missing among the checked ones. */
const actionDefaults = {
  name: undefined,
  key: undefined,
  tags: undefined,
  onInvalidateFailure: undefined,
  unless: undefined,
};
