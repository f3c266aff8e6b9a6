/** What users of `@nestjs/cache-manager` inject, in its own words, and how it is set up here. */
import * as v from 'valibot';
import { positiveDurationSchema } from './cache-definition.options.js';
import { cacheNameSchema } from './cache.options.js';
import type { Duration } from '../time/duration.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';

/** Injection token; the same string as `CACHE_MANAGER` of `@nestjs/cache-manager`. */
export const CACHE_MANAGER = 'CACHE_MANAGER';

/** Options of `CacheManagerModule.register()`. */
export interface CacheManagerOptions {
  /** The cache that holds everything. Default `'cache-manager'`. */
  readonly name?: string;
  /** Lifetime without a `ttl` at the call. Default: that of the cache, or the module's. */
  readonly ttl?: Duration;
  /** `wrap()` loads anew in the background when less than this is left. Default: never. */
  readonly refreshThreshold?: Duration;
  /** What `get`, `mget` and `ttl` give for a miss: `null` as version 6, `undefined` as 7. Default `undefined`. */
  readonly miss?: null | undefined;
  /** `'clone'`: every caller may change what it gets; `'freeze'`: nobody can. Default `'clone'`. */
  readonly isolation?: 'clone' | 'freeze';
}

/** Checked options; durations in milliseconds. */
export interface CacheManagerSettings {
  readonly name: string;
  readonly ttl: number | undefined;
  readonly refreshThreshold: number;
  readonly miss: null | undefined;
  readonly isolation: 'clone' | 'freeze';
}

/** How `wrap()` stores. Milliseconds; a function gets the new value. */
export interface CacheManagerWrapOptions<T> {
  readonly ttl?: number | ((value: T) => number);
  readonly refreshThreshold?: number | ((value: T) => number);
}

/** A value with the time it expires at, as `wrap(…, { raw: true })` gives it. */
export interface CacheManagerRawValue<T> {
  readonly value: T;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** One value of `mset()`. */
export interface CacheManagerListedValue<T> {
  key: string;
  value: T;
  ttl?: number;
}

/** The events of `on()`, as cache-manager types them; what failed has an `error`. */
export interface CacheManagerEvents {
  get: (data: { key: string; value?: unknown; error?: unknown }) => void;
  mget: (data: { keys: string[]; value?: unknown[]; error?: unknown }) => void;
  set: (data: { key: string; value: unknown; error?: unknown }) => void;
  mset: (data: { list: CacheManagerListedValue<unknown>[]; error?: unknown }) => void;
  del: (data: { key: string; error?: unknown }) => void;
  clear: (error?: unknown) => void;
  refresh: (data: { key: string; value: unknown; error?: unknown }) => void;
}

const schema = v.strictObject({
  name: v.optional(cacheNameSchema, 'cache-manager'),
  ttl: v.optional(positiveDurationSchema),
  refreshThreshold: v.optional(durationSchema, 0),
  miss: v.optional(v.null()),
  isolation: v.optional(v.picklist(['clone', 'freeze']), 'clone'),
});

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveCacheManagerOptions(options: CacheManagerOptions): CacheManagerSettings {
  const { ttl, miss, ...rest } = validateOptions(schema, options, 'CacheManagerModule.register()');
  return { ...rest, ttl, miss };
}
