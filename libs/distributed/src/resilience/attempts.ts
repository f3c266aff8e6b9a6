/** What a pipeline remembers about an error it lets through. */
import type { Executed } from './failure.js';

interface AttemptRecord {
  readonly attempts: number;
  readonly executed: Executed;
}

/** Beside the error and not on it: the method's own error arrives unchanged, even when frozen. */
const records = new WeakMap<object, AttemptRecord>();

/** Notes how often the call was tried, and whether any of the attempts may have done the work. */
export function recordAttempts(error: unknown, attempts: number, executed: Executed): void {
  if (typeof error === 'object' && error !== null) records.set(error, { attempts, executed });
}

/**
 * How many attempts the call made that rejected with this error; 0 when a guard refused every one,
 * undefined when the error passed no pipeline.
 */
export function getAttempts(error: unknown): number | undefined {
  return recordOf(error)?.attempts;
}

/** Whether any attempt of the call that rejected with this error may have done the work. */
export function executedByAttempts(error: unknown): Executed | undefined {
  return recordOf(error)?.executed;
}

function recordOf(error: unknown): AttemptRecord | undefined {
  return typeof error === 'object' && error !== null ? records.get(error) : undefined;
}
