/** `@Resilient`: the whole pipeline, by the name of a policy or written in place. */
import type { MethodAspect } from '../aspects/index.js';
import type { PolicyOptions } from './resilience.options.js';
import { weaveSections } from './sections.decorator.js';

/**
 * Protects calls to something that can fail: limits time, repeats what may be repeated, stops
 * calling what is down. Without options: attempt 2 s, total 5 s, 3 attempts, a circuit breaker.
 * The method's own error arrives unchanged.
 *
 * @param policy a policy of `forRoot({ resilience: { policies } })`; unknown names fail the boot.
 * Methods with the same policy share its breaker, bulkhead and retry budget.
 * @param overrides sections that this method has for itself
 * @throws TimeoutExceededError, CircuitOpenError, BulkheadFullError
 * @example
 * @Resilient('payments')
 * @Resilient({ idempotent: true, retry: { maxAttempts: 4 }, bulkhead: 20 })
 */
export function Resilient(policy: string, overrides?: PolicyOptions): MethodAspect;
export function Resilient(options?: PolicyOptions): MethodAspect;
export function Resilient(
  policyOrOptions: string | PolicyOptions = {},
  overrides: PolicyOptions = {},
): MethodAspect {
  return typeof policyOrOptions === 'string'
    ? weaveSections('Resilient', () => overrides, { policy: policyOrOptions, defaults: false })
    : weaveSections('Resilient', () => policyOrOptions, { policy: undefined, defaults: true });
}
