/** Options of the capability: `DistributedModule.forRoot({ cache: … })`. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/duration.js';
import type { L1PolicyName } from './l1-cache.js';

/** Which levels keep a value: memory of this process (L1), Redis (L2). */
export type CacheLevels = 'l1+l2' | 'l1' | 'l2';

/** What a failed eviction does: `throw` rejects the call, `retry` only repeats it in the background. */
export type InvalidateFailure = 'throw' | 'retry';

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
}

/** What defines one cache. */
export interface CacheDefinitionOptions {
  /** Schema version of the values, part of the key: raise it when their shape changes. Default 1. */
  readonly version?: number;
  /** Lifetime of an entry. Default: the module's `ttl`; one of the two is required. */
  readonly ttl?: Duration;
  /** Lifetime of `null` and `undefined`; 0 does not store them. Default: `ttl`, at most `'30s'`. */
  readonly negativeTtl?: Duration;
  /** Default `'l1+l2'`. */
  readonly levels?: CacheLevels;
  /** Bounds of the memory level. Default: the module's. */
  readonly l1?: CacheL1Options;
}

/** Options of the capability. Every field is optional. */
export interface CacheOptions {
  /** Default lifetime of every cache. No default: without it each cache names its own. */
  readonly ttl?: Duration;
  /** Default lifetime of `null` and `undefined`; 0 does not store them. Default: `ttl`, at most `'30s'`. */
  readonly negativeTtl?: Duration;
  /** Bounds of the memory level of every cache. */
  readonly l1?: CacheL1Options;
  /** Deadlines towards Redis. A read that misses its deadline runs the method instead. */
  readonly l2?: {
    /** Default `'100ms'`. */
    readonly readDeadline?: Duration;
    /** Default `'250ms'`. */
    readonly writeDeadline?: Duration;
  };
  /** The right to load a missing entry, held by one process of the cluster. */
  readonly lease?: {
    /** Extended while the load runs; after a crash others wait this long at most. Default `'10s'`. */
    readonly ttl?: Duration;
    /** How long another process waits for the value before it loads by itself. Default `'2s'`. */
    readonly wait?: Duration;
  };
  /** Messages between the memory levels of the nodes. */
  readonly bus?: {
    /** Default `'1s'`. */
    readonly heartbeat?: Duration;
    /** Without an echo of its own heartbeat for so long, a node serves nothing from memory. Default `'3s'`. */
    readonly timeout?: Duration;
  };
  /** What an unconfirmed eviction does to the caller. Default `'throw'`. */
  readonly onInvalidateFailure?: InvalidateFailure;
  /** Caches without a `@Cached()` in this application: used through `CacheService`, or owned by another service. */
  readonly caches?: Readonly<Record<string, CacheDefinitionOptions>>;
}

/** Injection token of the checked options. */
export const CACHE_OPTIONS = Symbol.for('nestjs-distributed:cache-options');

/** A whole number of milliseconds of at least one; Redis knows no shorter lifetime. */
export const positiveDurationSchema = v.pipe(
  durationSchema,
  v.check((ms) => ms > 0, 'expected a duration greater than 0'),
  v.transform(Math.ceil),
);

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

const policy = v.picklist(['s3-fifo', 'lru'] satisfies L1PolicyName[]);

const l1Schema = v.strictObject({
  maxEntries: v.optional(count),
  maxBytes: v.optional(count),
  policy: v.optional(policy),
  maxTtl: v.optional(positiveDurationSchema),
});

/** The fields of `CacheDefinitionOptions`; durations become milliseconds. */
export const definitionEntries = {
  version: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  ttl: v.optional(positiveDurationSchema),
  negativeTtl: v.optional(durationSchema),
  levels: v.optional(v.picklist(['l1+l2', 'l1', 'l2'])),
  l1: v.optional(l1Schema),
};

/** A cache name becomes part of Redis keys and of metric labels. */
export const cacheNameSchema = v.pipe(
  v.string(),
  v.regex(/^[\w.$-]{1,100}$/, "expected letters, digits, '_', '-', '.' or '$', at most 100"),
);

/** See `InvalidateFailure`. */
export const invalidateFailureSchema = v.picklist(['throw', 'retry']);

const definitionSchema = v.strictObject(definitionEntries);

const schema = v.strictObject({
  ttl: v.optional(positiveDurationSchema),
  negativeTtl: v.optional(durationSchema),
  l1: v.optional(
    v.strictObject({
      maxEntries: v.optional(count, 10_000),
      maxBytes: v.optional(count, 64 * 1024 * 1024),
      policy: v.optional(policy, 's3-fifo'),
      maxTtl: v.optional(positiveDurationSchema, '60s'),
    }),
    {},
  ),
  l2: v.optional(
    v.strictObject({
      readDeadline: v.optional(positiveDurationSchema, '100ms'),
      writeDeadline: v.optional(positiveDurationSchema, '250ms'),
    }),
    {},
  ),
  lease: v.optional(
    v.strictObject({
      ttl: v.optional(positiveDurationSchema, '10s'),
      wait: v.optional(durationSchema, '2s'),
    }),
    {},
  ),
  bus: v.optional(
    v.strictObject({
      heartbeat: v.optional(positiveDurationSchema, '1s'),
      timeout: v.optional(positiveDurationSchema, '3s'),
    }),
    {},
  ),
  onInvalidateFailure: v.optional(invalidateFailureSchema, 'throw'),
  caches: v.optional(v.record(cacheNameSchema, definitionSchema), {}),
});

/** Checked options of the capability; durations in milliseconds. */
export type ResolvedCacheOptions = v.InferOutput<typeof schema>;

/** Checked fields of one cache's definition; durations in milliseconds. */
export type ResolvedDefinition = v.InferOutput<typeof definitionSchema>;

/**
 * Checks the options of `forRoot({ cache })`.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`
 */
export function resolveCacheOptions(value: CacheOptions | undefined): ResolvedCacheOptions {
  const path = 'DistributedModule.forRoot().cache';
  const options = validateOptions(schema, value ?? {}, path);
  // A node must be able to miss a heartbeat without losing its memory level.
  if (options.bus.timeout < 2 * options.bus.heartbeat)
    throw new InvalidOptionsError(`${path}.bus.timeout`, 'expected at least twice `bus.heartbeat`');
  return options;
}
