/** Errors of this library, here or (as JSON) from another service that uses it. */
import { isDistributedError } from '../../distributed.errors.js';
import type { ErrorClassifier, Executed } from '../failure.js';
import { BulkheadFullError, CircuitOpenError } from '../resilience.errors.js';

/** Trusts `retryable`, `executed` and `retryAfterMs` of any error that carries the first two. */
export const ownErrors: ErrorClassifier = (error) => {
  const candidate = error as Record<'code' | 'retryable' | 'executed' | 'retryAfterMs', unknown>;
  const executed = isExecuted(candidate.executed) ? candidate.executed : undefined;
  const described = typeof candidate.retryable === 'boolean' && executed !== undefined;
  if (!described && !isDistributedError(error)) return undefined;
  const facts = {
    executed: executed ?? 'unknown',
    source: 'library',
    code: typeof candidate.code === 'string' ? candidate.code : undefined,
    retryAfterMs: typeof candidate.retryAfterMs === 'number' ? candidate.retryAfterMs : undefined,
  };
  // A guard of this process has spoken; the same refusal by another service is its overload.
  if (error instanceof CircuitOpenError || error instanceof BulkheadFullError)
    return { kind: 'rejected', ...facts };
  if (REFUSALS.has(String(candidate.code))) return { kind: 'overloaded', ...facts };
  return { kind: candidate.retryable === true ? 'transient' : 'permanent', ...facts };
};

const REFUSALS = new Set(['E_RESILIENCE_CIRCUIT_OPEN', 'E_RESILIENCE_BULKHEAD_FULL']);

function isExecuted(value: unknown): value is Executed {
  return value === 'no' || value === 'unknown' || value === 'yes';
}
