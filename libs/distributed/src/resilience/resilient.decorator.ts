/** `@Resilient`: the whole pipeline, by the name of a policy or written in place. */
import type { MethodAspect } from '../aspects/index.js';
import type { PolicyOptions } from './resilience.options.js';
import { weaveSections } from './sections.decorator.js';

/** The sections of a pipeline, and its place in the chain. */
export interface ResilientOptions extends PolicyOptions {
  /** Place in the chain of aspects of this method. Default `ASPECT_ORDER.resilience`. */
  readonly order?: number;
}

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
export function Resilient(policy: string, overrides?: ResilientOptions): MethodAspect;
export function Resilient(options?: ResilientOptions): MethodAspect;
export function Resilient(
  policyOrOptions: string | ResilientOptions = {},
  overrides: ResilientOptions = {},
): MethodAspect {
  const named = typeof policyOrOptions === 'string';
  const { order, ...sections } = named ? overrides : policyOrOptions;
  const base = { policy: named ? policyOrOptions : undefined, defaults: !named };
  return weaveSections('Resilient', () => sections, base, order);
}
