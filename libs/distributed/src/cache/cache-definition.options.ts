/** What defines one cache: the fields that `@Cached()`, `caches` and the module's defaults share. */
import * as v from 'valibot';
import type { KeyPart } from '../aspects/index.js';
import { durationSchema } from '../distributed.validation.js';
import type { Duration } from '../time/duration.js';
import type { CacheCodecName, CacheIsolation } from './cache-codec.js';
import type { L1PolicyName } from './l1-cache.js';
import type { L1Bounds } from './l1-policy.js';
import type { RefreshAhead } from './refresh-ahead.js';

/** Which levels keep a value: memory of this process (L1), Redis (L2). */
export type CacheLevels = 'l1+l2' | 'l1' | 'l2';

/** The memory of one process. */
export interface CacheL1Options {
  /** Entries per cache. Default 10 000. */
  readonly maxEntries?: number;
  /** Estimated bytes per cache: values, keys and what it takes to keep them. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Which entry leaves when there is no room. Default `'s3-fifo'`. */
  readonly policy?: L1PolicyName;
  /** Longest time an entry is served from memory without asking Redis. Default `'60s'`. */
  readonly maxTtl?: Duration;
  /**
   * What callers get: the same deeply frozen value (`freeze`, the default), a copy each (`clone`), or
   * the same value to be handled with care (`share`).
   */
  readonly isolation?: CacheIsolation;
}

/** How long a caller waits for a load. */
export interface CacheTimeoutOptions {
  /** With a stale value (`staleIfError`) at hand: then that is served, and the load goes on. Default: no limit. */
  readonly soft?: Duration;
  /** Then the call rejects with `E_CACHE_TIMEOUT` and the load's signal aborts. Default: no limit. */
  readonly hard?: Duration;
}

/** Fields that have a default in the module too. */
export interface CacheDefaultOptions {
  /** Lifetime of an entry. Default: the module's `ttl`; one of the two is required. */
  readonly ttl?: Duration;
  /** Lifetime of `null` and `undefined`; 0 does not store them. Default: `ttl`, at most `'30s'`. */
  readonly negativeTtl?: Duration;
  /** After `ttl`: callers get the stale value for so long while one loads a new one. Default 0. */
  readonly staleWhileRevalidate?: Duration;
  /** After `ttl`: callers get the stale value for so long when the load fails. Default 0. */
  readonly staleIfError?: Duration;
  /**
   * Refreshes before the value expires: `{ beta }` the earlier the longer a load takes (XFetch),
   * `{ at: 0.8 }` after a fraction of the lifetime, `false` never. Default `{ beta: 1 }`.
   */
  readonly refreshAhead?: RefreshAhead;
  /** Takes up to this fraction off each lifetime, so that entries do not expire together. Default 0.1. */
  readonly jitter?: number;
  /** Default: no limits. */
  readonly timeout?: CacheTimeoutOptions;
  /** How values are written to Redis. Each entry knows its codec, so it can be changed live. Default `'msgpack'`. */
  readonly codec?: CacheCodecName;
  /** Values of at least so many bytes are compressed. Default 16 384; `Infinity`: never. */
  readonly compressFrom?: number;
  /** Bounds of the memory level. */
  readonly l1?: CacheL1Options;
}

/** What defines one cache. */
export interface CacheDefinitionOptions extends CacheDefaultOptions {
  /** Schema version of the values: raise it when their shape changes. Default 1. */
  readonly version?: number;
  /** Default `'l1+l2'`. */
  readonly levels?: CacheLevels;
  /**
   * Who may load a missing value: one caller of the cluster, one of this process (which does not wait
   * for the others), or every caller. Default `'cluster'`.
   */
  readonly singleFlight?: 'cluster' | 'process' | false;
  /**
   * `bounded`: memory may lag behind an eviction by the time a message takes. `strong`: each read is
   * confirmed by Redis, at the cost of one round trip. Default `'bounded'`.
   */
  readonly consistency?: 'bounded' | 'strong';
  /** Values that are part of every key: tenant, locale, principal. Called at each use of the cache. */
  readonly scope?: readonly (() => KeyPart)[];
}

/** A whole number of milliseconds of at least one; Redis knows no shorter lifetime. */
export const positiveDurationSchema = v.pipe(
  durationSchema,
  v.check((ms) => ms > 0, 'expected a duration greater than 0'),
  v.transform(Math.ceil),
);

const wholeDurationSchema = v.pipe(durationSchema, v.transform(Math.ceil));

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

const fraction = (atMost: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.minValue(0), v.maxValue(atMost));

/** The fields of `CacheDefaultOptions`; durations become milliseconds. */
export const defaultEntries = {
  ttl: v.optional(positiveDurationSchema),
  negativeTtl: v.optional(wholeDurationSchema),
  staleWhileRevalidate: v.optional(wholeDurationSchema),
  staleIfError: v.optional(wholeDurationSchema),
  refreshAhead: v.optional(
    v.union([
      v.strictObject({ beta: v.pipe(v.number(), v.minValue(0)) }),
      v.strictObject({ at: fraction(1) }),
      v.literal(false),
    ]),
  ),
  jitter: v.optional(fraction(0.9)),
  timeout: v.optional(
    v.strictObject({
      soft: v.optional(positiveDurationSchema),
      hard: v.optional(positiveDurationSchema),
    }),
  ),
  codec: v.optional(v.picklist(['msgpack', 'json'])),
  compressFrom: v.optional(v.pipe(v.number(), v.minValue(0))),
  l1: v.optional(
    v.strictObject({
      maxEntries: v.optional(count),
      maxBytes: v.optional(count),
      policy: v.optional(v.picklist(['s3-fifo', 'lru'] satisfies L1PolicyName[])),
      maxTtl: v.optional(positiveDurationSchema),
      isolation: v.optional(v.picklist(['freeze', 'clone', 'share'])),
    }),
  ),
};

/** The fields of `CacheDefinitionOptions`; durations become milliseconds. */
export const definitionEntries = {
  ...defaultEntries,
  version: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff))),
  levels: v.optional(v.picklist(['l1+l2', 'l1', 'l2'])),
  singleFlight: v.optional(v.union([v.picklist(['cluster', 'process']), v.literal(false)])),
  consistency: v.optional(v.picklist(['bounded', 'strong'])),
  scope: v.optional(
    v.array(v.custom<() => KeyPart>((value) => typeof value === 'function', 'expected a function')),
  ),
};

/** Checks the definition of one cache. */
export const definitionSchema = v.strictObject(definitionEntries);

/** Checked fields of one cache's definition; durations in milliseconds. */
export type ResolvedDefinition = v.InferOutput<typeof definitionSchema>;

/** The module's defaults, checked. */
export type ResolvedDefaults = Pick<ResolvedDefinition, keyof CacheDefaultOptions>;

/** A complete definition; durations in milliseconds. */
export interface CacheDefinition extends StaleRules {
  readonly version: number;
  readonly ttl: number;
  readonly negativeTtl: number;
  readonly refreshAhead: RefreshAhead;
  readonly jitter: number;
  readonly timeout: { readonly soft?: number | undefined; readonly hard?: number | undefined };
  readonly singleFlight: 'cluster' | 'process' | false;
  readonly consistency: 'bounded' | 'strong';
  readonly levels: CacheLevels;
  readonly codec: CacheCodecName;
  readonly compressFrom: number;
  readonly scope: readonly (() => KeyPart)[];
  readonly l1: L1Bounds & {
    readonly policy: L1PolicyName;
    readonly maxTtl: number;
    readonly isolation: CacheIsolation;
  };
}

interface StaleRules {
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** Default lifetime of `null` and `undefined`, if the value's own is not shorter. */
const NEGATIVE_TTL_MS = 30_000;

/** A definition with the module's defaults, and ours, where it says nothing. */
export function completeDefinition(
  given: ResolvedDefinition,
  defaults: ResolvedDefaults,
  ttl: number,
): CacheDefinition {
  return {
    version: 1,
    staleWhileRevalidate: 0,
    staleIfError: 0,
    refreshAhead: { beta: 1 },
    jitter: 0.1,
    timeout: {},
    codec: 'msgpack',
    compressFrom: 16_384,
    singleFlight: 'cluster',
    consistency: 'bounded',
    levels: 'l1+l2',
    scope: [],
    ...stated(defaults),
    ...stated(given),
    ttl,
    negativeTtl: given.negativeTtl ?? defaults.negativeTtl ?? Math.min(ttl, NEGATIVE_TTL_MS),
    l1: {
      maxEntries: 10_000,
      maxBytes: 64 * 1024 * 1024,
      policy: 's3-fifo',
      maxTtl: 60_000,
      isolation: 'freeze',
      ...stated(defaults.l1 ?? {}),
      ...stated(given.l1 ?? {}),
    },
  };
}

/** Without the fields that are there and say nothing. */
function stated<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
