/** Options of the capability: `DistributedModule.forRoot({ cache: … })`. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/duration.js';
import {
  type CacheDefaultOptions,
  type CacheDefinitionOptions,
  defaultEntries,
  definitionSchema,
  positiveDurationSchema,
} from './cache-definition.options.js';

/** What a failed eviction does: `throw` rejects the call, `retry` only repeats it in the background. */
export type InvalidateFailure = 'throw' | 'retry';

/**
 * What memory may serve while messages of other nodes may be missed: what Redis confirms by the
 * entry's header (`revalidate`), nothing (`bypass`), or whatever is there (`serve`).
 */
export type L1OnBusDown = 'revalidate' | 'bypass' | 'serve';

/** Options of the capability. Every field is optional; those of a cache are defaults for all. */
export interface CacheOptions extends CacheDefaultOptions {
  /** Deadlines towards Redis. A read that misses its deadline runs the method instead. */
  readonly l2?: {
    /** Default `'100ms'`. */
    readonly readDeadline?: Duration;
    /** Default `'250ms'`. */
    readonly writeDeadline?: Duration;
    /**
     * Stops asking a Redis that does not answer: open for `openFor` when at least `minimumCalls` of
     * the last `window` were made and `failureRate` of them failed; then one call tries it again.
     * Default `{ failureRate: 0.5, minimumCalls: 20, window: '10s', openFor: '5s' }`; `false`: never.
     */
    readonly breaker?: L2BreakerOptions | false;
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
    /** Without an echo of its own heartbeat for so long, a node does not trust its memory: see `l1OnBusDown`. Default `'3s'`. */
    readonly timeout?: Duration;
  };
  /** Default `'revalidate'`. */
  readonly l1OnBusDown?: L1OnBusDown;
  /** What an unconfirmed eviction does to the caller. Default `'throw'`. */
  readonly onInvalidateFailure?: InvalidateFailure;
  /** Caches without a `@Cached()` in this application: used through `CacheService`, or owned by another service. */
  readonly caches?: Readonly<Record<string, CacheDefinitionOptions>>;
}

/** When L2 counts as out of order. */
export interface L2BreakerOptions {
  readonly failureRate?: number;
  readonly minimumCalls?: number;
  readonly window?: Duration;
  readonly openFor?: Duration;
}

/** Injection token of the checked options. */
export const CACHE_OPTIONS = Symbol.for('nestjs-distributed:cache-options');

/** A cache name becomes part of Redis keys and of metric labels. */
export const cacheNameSchema = v.pipe(
  v.string(),
  v.regex(/^[\w.$-]{1,100}$/, "expected letters, digits, '_', '-', '.' or '$', at most 100"),
);

/** See `InvalidateFailure`. */
export const invalidateFailureSchema = v.picklist(['throw', 'retry']);

const schema = v.strictObject({
  ...defaultEntries,
  l2: v.optional(
    v.strictObject({
      readDeadline: v.optional(positiveDurationSchema, '100ms'),
      writeDeadline: v.optional(positiveDurationSchema, '250ms'),
      breaker: v.optional(
        v.union([
          v.literal(false),
          v.strictObject({
            failureRate: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1)), 0.5),
            minimumCalls: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 20),
            window: v.optional(positiveDurationSchema, '10s'),
            openFor: v.optional(positiveDurationSchema, '5s'),
          }),
        ]),
        {},
      ),
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
  l1OnBusDown: v.optional(v.picklist(['revalidate', 'bypass', 'serve']), 'revalidate'),
  onInvalidateFailure: v.optional(invalidateFailureSchema, 'throw'),
  caches: v.optional(v.record(cacheNameSchema, definitionSchema), {}),
});

/** Checked options of the capability; durations in milliseconds. */
export type ResolvedCacheOptions = v.InferOutput<typeof schema>;

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
