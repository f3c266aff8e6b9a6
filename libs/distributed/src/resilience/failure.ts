/** What the pipeline knows about a failed call: what kind it is, and whether the work may have been done. */

/**
 * What kind of failure it is.
 * - `transient`: it may be gone in a moment (refused, reset, timed out, deadlock)
 * - `throttled`: the server asks for fewer calls
 * - `overloaded`: the server has no capacity left
 * - `permanent`: the same call fails again; also everything nobody recognises
 * - `rejected`: one of our own guards (breaker, bulkhead) did not let the call through
 * - `cancelled`: the caller gave up
 */
export type FailureKind =
  | 'transient'
  | 'throttled'
  | 'overloaded'
  | 'permanent'
  | 'rejected'
  | 'cancelled';

/** Whether the server may have done the work. Only `'no'` makes a repetition safe by itself. */
export type Executed = 'no' | 'unknown' | 'yes';

/** The classification of one error. */
export interface NetworkFailure {
  readonly kind: FailureKind;
  readonly executed: Executed;
  /** Who recognised it: `node`, `redis`, `ioredis`, `postgres`, `http`, `nest`, `library`, `unknown`. */
  readonly source: string;
  /** Code of the error as its source names it: `ECONNREFUSED`, `READONLY`, `40001`, `503`. */
  readonly code?: string | undefined;
  /** Milliseconds the server wants us to wait; negative: never repeat (gRPC push-back, A6). */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Recognises one family of errors; `undefined` leaves the error to the next classifier. Pure: it
 * must not throw and must not keep the error.
 */
export type ErrorClassifier = (error: object) => NetworkFailure | undefined;

const STRENGTH: Readonly<Record<Executed, number>> = { no: 0, unknown: 1, yes: 2 };

/** The more cautious of two answers. */
export function mostExecuted(a: Executed, b: Executed): Executed {
  return STRENGTH[a] >= STRENGTH[b] ? a : b;
}

/** Whether the failure came from the network or the server's state rather than from the request. */
export function isNetworkFailure(failure: NetworkFailure): boolean {
  return (
    failure.kind === 'transient' || failure.kind === 'throttled' || failure.kind === 'overloaded'
  );
}
