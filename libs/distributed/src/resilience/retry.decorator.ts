/** `@Retry`: repeats a failed call. */
import type { MethodAspect } from '../aspects/index.js';
import type { RetryOptions } from './resilience.options.js';
import { weaveSections } from './sections.decorator.js';

/**
 * Repeats calls that failed for a passing reason and were surely not executed; with
 * `idempotent: true` also those that may have been. By itself it is the only strategy of the method.
 *
 * @example
 * @Retry({ maxAttempts: 3, idempotent: true })
 */
export function Retry({
  idempotent,
  ...retry
}: RetryOptions & {
  /** The call may be repeated although the server may have executed it. Default `false`. */
  readonly idempotent?: boolean;
} = {}): MethodAspect {
  return weaveSections('Retry', () =>
    idempotent === undefined ? { retry } : { retry, idempotent },
  );
}
