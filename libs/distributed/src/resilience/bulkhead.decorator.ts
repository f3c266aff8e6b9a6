/** `@Bulkhead`: limits how many calls run at once. */
import type { MethodAspect } from '../aspects/index.js';
import type { BulkheadOptions } from './resilience.options.js';
import { weaveSections } from './sections.decorator.js';

/**
 * Lets at most so many calls of the method run at once in this process; further ones wait in a
 * queue, if there is one, or are refused.
 * @throws BulkheadFullError `E_RESILIENCE_BULKHEAD_FULL`
 * @example
 * @Bulkhead(20)
 * @Bulkhead({ maxConcurrent: 20, maxQueue: 100, maxWait: '500ms' })
 */
export function Bulkhead(limit: number | BulkheadOptions): MethodAspect {
  return weaveSections('Bulkhead', () => ({ bulkhead: limit }));
}
