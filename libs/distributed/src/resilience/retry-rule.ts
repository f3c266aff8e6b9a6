/** The one rule that decides whether a failed attempt is repeated. */
import { backoffMs } from './backoff.js';
import { isNetworkFailure } from './failure.js';
import type { Failed } from './outcome.js';
import type { PipelineContext } from './pipeline-context.js';
import { resilienceEvents } from './resilience.events.js';

/** What the rule looks at beside the failure. */
export interface RetrySituation {
  /** The attempt that failed; the first is 1. */
  readonly attempt: number;
  /** The call may be repeated although it may have been executed. */
  readonly idempotent: boolean;
  /** Milliseconds left for the whole call. */
  readonly remainingMs: number;
}

/**
 * Milliseconds until the next attempt, or undefined when this one was the last. Repeats only what
 * is worth it (`transient`, `throttled`, `overloaded`), safe (`executed: 'no'`, or idempotent),
 * still in time, and within the retry budget, which is asked last because asking spends it.
 */
export function retryDelayMs(
  context: PipelineContext,
  { failure }: Failed,
  situation: RetrySituation,
): number | undefined {
  const { retry } = context.config;
  if (!retry || situation.attempt >= retry.maxAttempts) return undefined;
  if (!isNetworkFailure(failure)) return undefined;
  if (failure.executed !== 'no' && !situation.idempotent) return undefined;
  const retryAfterMs = failure.retryAfterMs ?? 0;
  if (retryAfterMs < 0 || retryAfterMs > retry.maxRetryAfterMs) return undefined;
  // Added to the pause the server asked for, so that its callers do not all come back at once.
  const delayMs = retryAfterMs + backoffMs(retry.backoff, situation.attempt, context.engine.random);
  if (delayMs >= situation.remainingMs) return undefined;
  const { attempt } = situation;
  if (context.budget && !context.budget.tryRetry()) {
    resilienceEvents.emit('budgetExhausted', () => ({ policy: context.name, attempt }));
    return undefined;
  }
  resilienceEvents.emit('retry', () => ({ policy: context.name, attempt, delayMs, failure }));
  return delayMs;
}
