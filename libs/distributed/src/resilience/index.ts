/** Resilience: one pipeline of time limits, retries, circuit breaker, bulkhead and fallback. */
export type { AttemptContext } from './attempt.js';
export { currentAttempt } from './attempt.js';
export { getAttempts } from './attempts.js';
export type { Jitter } from './backoff.js';
export { Bulkhead } from './bulkhead.decorator.js';
export type { BulkheadSnapshot } from './bulkhead.js';
export type {
  CircuitBreakerHandle,
  CircuitMode,
  CircuitSnapshot,
  CircuitState,
} from './circuit.js';
export { CircuitBreaker } from './circuit-breaker.decorator.js';
export type { ErrorClassifier, Executed, FailureKind, NetworkFailure } from './failure.js';
export type { FallbackContext, FallbackHandler } from './fallback.js';
export { Fallback, type FallbackDecorator } from './fallback.decorator.js';
export type { MessageClient, WrapOptions } from './message-client.js';
export { handleNetworkError, NetworkErrors } from './network-errors.js';
export type { Protected } from './outcome.js';
export { RESILIENCE_ORDER, type Strategy } from './pipeline.js';
export type { CallOptions } from './pipeline-call.js';
export type { Policy, PolicySnapshot } from './policy.js';
export type { PolicyRegistry } from './policy-registry.js';
export { ResilienceAspect } from './resilience.aspect.js';
export {
  BulkheadFullError,
  CircuitOpenError,
  ResilienceError,
  TimeoutExceededError,
  type TimeoutScope,
  UnknownPolicyError,
} from './resilience.errors.js';
export { RESILIENCE_CHANNELS, type ResilienceEvents } from './resilience.events.js';
export { ResilienceModule } from './resilience.module.js';
export type {
  BulkheadOptions,
  CircuitBreakerOptions,
  PolicyOptions,
  ResilienceModuleOptions,
  RetryOptions,
} from './resilience.options.js';
export { ResilienceService } from './resilience.service.js';
export { Resilient, type ResilientOptions } from './resilient.decorator.js';
export { Retry } from './retry.decorator.js';
export { Timeout } from './timeout.decorator.js';
