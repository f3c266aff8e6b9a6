/** From the sections of a policy, as written in several places, to the settings of one pipeline. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import type { BackoffConfig } from './backoff.js';
import type { BulkheadConfig } from './bulkhead.js';
import type { CircuitBreakerConfig } from './circuit.js';
import type { ErrorClassifier } from './failure.js';
import type { FallbackHandler } from './fallback.js';
import { type PolicyParts, policySchema } from './resilience.options.js';
import type { RetryBudgetConfig } from './retry-budget.js';

/** Settings of the retry strategy. */
export interface RetryConfig {
  readonly maxAttempts: number;
  readonly backoff: BackoffConfig;
  readonly budget: RetryBudgetConfig | undefined;
  readonly maxRetryAfterMs: number;
}

/** Settings of one pipeline; a strategy that is undefined is not part of it. */
export interface PolicyConfig {
  readonly timeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
  readonly retry: RetryConfig | undefined;
  readonly circuitBreaker: CircuitBreakerConfig | undefined;
  readonly bulkhead: BulkheadConfig | undefined;
  readonly fallback: FallbackHandler | undefined;
  readonly idempotent: boolean;
  readonly classify: ErrorClassifier | undefined;
}

/** What `@Resilient` and named policies start from unless `defaults: 'none'`. */
export const STANDARD: PolicyParts = v.parse(policySchema, {
  timeout: '2s',
  totalTimeout: '5s',
  retry: {},
  circuitBreaker: {},
});

/** A slow call is one that takes most of the time it has. */
const SLOW_SHARE = 0.8;
const DEFAULT_SLOW_CALL_RATE = 0.8;

/** `over` wins, section by section: a section is never mixed from two places. */
export function mergeParts(base: PolicyParts, over: PolicyParts): PolicyParts {
  const written = Object.entries(over).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(written) };
}

/**
 * The settings a merged policy amounts to.
 * @param name of the policy, for messages
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` for settings that would have no effect
 */
export function configOf(parts: PolicyParts, name: string): PolicyConfig {
  const timeoutMs = parts.timeout || undefined;
  return {
    timeoutMs,
    totalTimeoutMs: parts.totalTimeout || undefined,
    retry: parts.retry ? retryConfig(parts.retry) : undefined,
    circuitBreaker: parts.circuitBreaker
      ? breakerConfig(parts.circuitBreaker, timeoutMs, name)
      : undefined,
    bulkhead: parts.bulkhead ? bulkheadConfig(parts.bulkhead) : undefined,
    fallback: parts.fallback,
    idempotent: parts.idempotent ?? false,
    classify: parts.classify,
  };
}

type Section<K extends keyof PolicyParts> = Exclude<PolicyParts[K], false | undefined>;

function retryConfig(retry: Section<'retry'>): RetryConfig {
  const { initial, factor, max, jitter } = retry.backoff;
  return {
    maxAttempts: retry.maxAttempts,
    backoff: { initialMs: initial, factor, maxMs: max, jitter },
    budget: retry.budget ? { ...retry.budget, windowMs: retry.budget.window } : undefined,
    maxRetryAfterMs: retry.maxRetryAfter,
  };
}

function breakerConfig(
  breaker: Section<'circuitBreaker'>,
  timeoutMs: number | undefined,
  name: string,
): CircuitBreakerConfig {
  const slowCallMs =
    breaker.slowCall ?? (timeoutMs === undefined ? undefined : SLOW_SHARE * timeoutMs);
  if (breaker.slowCallRate !== undefined && slowCallMs === undefined) {
    throw new InvalidOptionsError(
      `${name}.circuitBreaker.slowCallRate`,
      'has no effect while no call counts as slow: set `slowCall` too, or a `timeout`',
    );
  }
  return {
    windowMs: breaker.window,
    minimumCalls: breaker.minimumCalls,
    failureRate: breaker.failureRate,
    slowCallMs,
    slowCallRate: breaker.slowCallRate ?? DEFAULT_SLOW_CALL_RATE,
    openForMs: breaker.openFor,
    maxOpenForMs: breaker.maxOpenFor,
    probes: breaker.probes,
    probeLeaseMs: breaker.probeLease,
  };
}

function bulkheadConfig(bulkhead: Section<'bulkhead'>): BulkheadConfig {
  const { maxConcurrent, maxQueue, maxWait } = bulkhead;
  return { maxConcurrent, maxQueue, maxWaitMs: maxWait };
}
