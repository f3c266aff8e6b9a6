/** The vocabulary of a circuit breaker. */

/** Settings of a circuit breaker. */
export interface CircuitBreakerConfig {
  readonly windowMs: number;
  /** Calls within the window before the rates mean anything. */
  readonly minimumCalls: number;
  /** Share of failures, above 0 to 1, that opens the circuit. */
  readonly failureRate: number;
  /** A call that takes this long is slow; undefined: none is. */
  readonly slowCallMs: number | undefined;
  /** Share of slow calls, above 0 to 1, that opens the circuit. */
  readonly slowCallRate: number;
  /** How long the circuit stays open the first time; doubles with every failed trial. */
  readonly openForMs: number;
  readonly maxOpenForMs: number;
  /** Trial calls of a half-open circuit. */
  readonly probes: number;
  /** A trial call without an outcome for this long counts as failed. */
  readonly probeLeaseMs: number;
}

/** `closed` lets calls through, `open` none, `half-open` a few trial calls ("probes"). */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** Who decides: the breaker itself, or an operator. `metrics-only` counts but never refuses. */
export type CircuitMode = 'automatic' | 'forced-open' | 'forced-closed' | 'metrics-only';

/** What a call says about the dependency; `ignored` says nothing. */
export type CallOutcome = 'success' | 'failure' | 'ignored';

/** Permission for one call. Belongs to the period (`generation`) in which it was given. */
export interface Permit {
  readonly generation: number;
  /** When a probe's lease ends; undefined for calls of a closed circuit. */
  readonly leaseEndsAt: number | undefined;
}

/** Counts and state of a breaker at one moment. */
export interface CircuitSnapshot {
  readonly state: CircuitState;
  readonly mode: CircuitMode;
  /** Calls, failures and slow calls within the window. */
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
  /** Until the next trial, when open; 0 when the next call is one. */
  readonly retryAfterMs: number | undefined;
}

/** A breaker as its operator sees it. */
export interface CircuitBreakerHandle {
  /** The state as of the last call; an open circuit becomes half-open with the next one. */
  readonly state: CircuitState;
  /** Who decides at present. */
  readonly mode: CircuitMode;
  /** Refuses every call until `reset`. */
  forceOpen(): void;
  /** Lets every call through, counting none, until `reset`. */
  forceClosed(): void;
  /** Lets every call through but counts them, until `reset`: to try settings out. */
  metricsOnly(): void;
  /** Back to automatic: closed, with nothing counted. */
  reset(): void;
  /** Counts and state at this moment. */
  snapshot(): CircuitSnapshot;
}

/** Whether either rate has reached its limit. Division, because `0.55 * 20 > 11`. */
export function tooMany(
  config: CircuitBreakerConfig,
  counts: { calls: number; failures: number; slow: number },
): boolean {
  return (
    counts.failures / counts.calls >= config.failureRate ||
    (config.slowCallMs !== undefined && counts.slow / counts.calls >= config.slowCallRate)
  );
}
