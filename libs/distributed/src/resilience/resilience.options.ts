/** Options of policies and decorators: types as users write them, schemas that check them. */
import * as v from 'valibot';
import { durationSchema } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import type { Jitter } from './backoff.js';
import type { ErrorClassifier, NetworkFailure } from './failure.js';
import type { FallbackHandler } from './fallback.js';

/** When and how often a failed call is repeated. */
export interface RetryOptions {
  /** All attempts, the first included. Default 3. */
  readonly maxAttempts?: number;
  readonly backoff?: {
    /** Before the second attempt. Default 50 ms. */
    readonly initial?: Duration;
    /** Growth per attempt. Default 2. */
    readonly factor?: number;
    /** Longest delay. Default 2 s. */
    readonly max?: Duration;
    /** Default `full`. */
    readonly jitter?: Jitter;
  };
  /** Repeats per call over `window`, plus a floor. Default 20 % over 10 s, at least 3/s. */
  readonly budget?:
    | false
    | { readonly ratio?: number; readonly minPerSecond?: number; readonly window?: Duration };
  /** A server that asks for a longer pause is not asked again by this call. Default 30 s. */
  readonly maxRetryAfter?: Duration;
}

/** When a dependency is given a rest. */
export interface CircuitBreakerOptions {
  /** Share of failures that opens the circuit. Default 0.5. */
  readonly failureRate?: number;
  /** Calls within the window before the rates mean anything. Default 20. */
  readonly minimumCalls?: number;
  /** Default 10 s. */
  readonly window?: Duration;
  /** A call that takes this long is slow. Default 80 % of `timeout`; without one, no call is. */
  readonly slowCall?: Duration;
  /** Share of slow calls that opens the circuit. Default 0.8. */
  readonly slowCallRate?: number;
  /** How long it stays open, doubled with each failed trial, ± 20 %. Default 5 s. */
  readonly openFor?: Duration;
  /** Default 60 s. */
  readonly maxOpenFor?: Duration;
  /** Trial calls of a half-open circuit; the others are refused. Default 3. */
  readonly probes?: number;
  /** A trial call without an outcome for this long has failed. Default 10 s. */
  readonly probeLease?: Duration;
}

/** How many calls may run at once. */
export interface BulkheadOptions {
  readonly maxConcurrent: number;
  /** Calls that may wait, first in, first out. Default 0: fail at once. */
  readonly maxQueue?: number;
  /** How long a call may wait. Default: as long as its other time limits allow. */
  readonly maxWait?: Duration;
}

/** One pipeline. What is left out, or `false`, is not part of it. */
export interface PolicyOptions {
  /** Limit of one attempt. */
  readonly timeout?: Duration | false;
  /** Limit of the whole call: attempts, waits and back-off. */
  readonly totalTimeout?: Duration | false;
  readonly retry?: RetryOptions | false;
  readonly circuitBreaker?: CircuitBreakerOptions | false;
  /** A number is `maxConcurrent`. */
  readonly bulkhead?: number | BulkheadOptions | false;
  readonly fallback?: FallbackHandler;
  /** The call may be repeated although the server may have executed it. Default `false`. */
  readonly idempotent?: boolean;
  /** Asked before all other classifiers. */
  readonly classify?: ErrorClassifier;
}

/** `DistributedModule.forRoot({ resilience })`. */
export interface ResilienceModuleOptions {
  /**
   * What `@Resilient` and policies start from. `standard` (the default): `timeout` 2 s,
   * `totalTimeout` 5 s, retry, circuit breaker. `none`: only what is written.
   */
  readonly defaults?: 'standard' | 'none';
  /** Named pipelines; all users of a name share its breaker, bulkhead and retry budget. */
  readonly policies?: Readonly<Record<string, PolicyOptions>>;
  /** Asked before the built-in classifiers. */
  readonly classifiers?: readonly ErrorClassifier[];
  /** Told about every failed attempt that came from the network or a server's state. */
  readonly onNetworkError?: (failure: NetworkFailure, error: unknown) => void;
}

const count = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const rate = v.pipe(v.number(), v.gtValue(0), v.maxValue(1));
const positive = v.pipe(durationSchema, v.gtValue(0));
const callable = <F>() =>
  v.custom<F>((value) => typeof value === 'function', 'expected a function');

/** `false`, or what `schema` says; chosen by value, so that messages name the inner field. */
const orOff = <S extends v.GenericSchema>(schema: S) =>
  v.lazy((input): v.GenericSchema<unknown, v.InferOutput<S> | false> =>
    input === false ? v.literal(false) : (schema as v.GenericSchema<unknown, v.InferOutput<S>>),
  );

const retrySchema = v.strictObject({
  maxAttempts: v.optional(count(1), 3),
  backoff: v.optional(
    v.strictObject({
      initial: v.optional(durationSchema, '50ms'),
      factor: v.optional(v.pipe(v.number(), v.minValue(1)), 2),
      max: v.optional(durationSchema, '2s'),
      jitter: v.optional(v.picklist(['full', 'equal', 'none']), 'full'),
    }),
    {},
  ),
  budget: v.optional(
    orOff(
      v.strictObject({
        ratio: v.optional(v.pipe(v.number(), v.minValue(0)), 0.2),
        minPerSecond: v.optional(v.pipe(v.number(), v.minValue(0)), 3),
        window: v.optional(positive, '10s'),
      }),
    ),
    {},
  ),
  maxRetryAfter: v.optional(durationSchema, '30s'),
});

const circuitBreakerSchema = v.strictObject({
  failureRate: v.optional(rate, 0.5),
  minimumCalls: v.optional(count(1), 20),
  window: v.optional(positive, '10s'),
  slowCall: v.optional(positive),
  slowCallRate: v.optional(rate),
  openFor: v.optional(positive, '5s'),
  maxOpenFor: v.optional(positive, '60s'),
  probes: v.optional(count(1), 3),
  probeLease: v.optional(positive, '10s'),
});

const bulkheadSchema = v.pipe(
  v.unknown(),
  v.transform((input) => (typeof input === 'number' ? { maxConcurrent: input } : input)),
  v.strictObject({
    maxConcurrent: count(1),
    maxQueue: v.optional(count(0), 0),
    maxWait: v.optional(positive),
  }),
  v.check(
    ({ maxWait, maxQueue }) => maxWait === undefined || maxQueue > 0,
    '`maxWait` has no effect without a queue: set `maxQueue` to 1 or more',
  ),
);

/** Checks a policy; every section is optional and stays absent when it is. */
export const policySchema = v.strictObject({
  timeout: v.optional(orOff(positive)),
  totalTimeout: v.optional(orOff(positive)),
  retry: v.optional(orOff(retrySchema)),
  circuitBreaker: v.optional(orOff(circuitBreakerSchema)),
  bulkhead: v.optional(orOff(bulkheadSchema)),
  fallback: v.optional(callable<FallbackHandler>()),
  idempotent: v.optional(v.boolean()),
  classify: v.optional(callable<ErrorClassifier>()),
});

/** A checked policy: durations in milliseconds, defaults of each written section filled in. */
export type PolicyParts = v.InferOutput<typeof policySchema>;

/** Checks the options of the capability. */
export const resilienceSchema = v.strictObject({
  defaults: v.optional(v.picklist(['standard', 'none']), 'standard'),
  policies: v.optional(v.record(v.string(), policySchema), {}),
  classifiers: v.optional(v.array(callable<ErrorClassifier>()), []),
  onNetworkError: v.optional(callable<(failure: NetworkFailure, error: unknown) => void>()),
});
