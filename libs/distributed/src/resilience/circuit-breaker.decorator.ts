/** `@CircuitBreaker`: stops calling what keeps failing. */
import type { MethodAspect } from '../aspects/index.js';
import type { CircuitBreakerOptions } from './resilience.options.js';
import { weaveSections } from './sections.decorator.js';

/**
 * Refuses calls while too many of the last ones failed or were slow, and lets a few through later
 * to see whether that has passed. Counts failures of the network and of the server's state only.
 * @throws CircuitOpenError `E_RESILIENCE_CIRCUIT_OPEN`, with `retryAfterMs`
 * @example
 * @CircuitBreaker({ failureRate: 0.5, minimumCalls: 20 })
 */
export function CircuitBreaker(options: CircuitBreakerOptions = {}): MethodAspect {
  return weaveSections('CircuitBreaker', () => ({ circuitBreaker: options }));
}
