/** The last resort of a call. */
import type { NetworkFailure } from './failure.js';

/** What a fallback may know about the call it replaces. */
export interface FallbackContext {
  /** Name of the policy, or `Class.method`. */
  readonly policy: string;
  readonly failure: NetworkFailure;
  /** Attempts that were made; 0 when a guard refused the call. */
  readonly attempts: number;
}

/* oxlint-disable typescript/no-explicit-any -- contravariant parameters, see MethodAspect */
/**
 * Gives the result of a call that failed for good, or throws. Called at most once per call, with
 * the final error, the call's arguments and, as `this`, the instance (undefined outside decorators).
 */
export type FallbackHandler<A extends any[] = any[], R = any> = (
  this: any,
  error: unknown,
  args: A,
  context: FallbackContext,
) => R | Promise<R>;
/* oxlint-enable typescript/no-explicit-any */
