/** What one pipeline consists of. */
import type { Bulkhead } from './bulkhead.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { Engine } from './engine.js';
import type { PolicyConfig } from './policy-config.js';
import type { RetryBudget } from './retry-budget.js';

/** Settings, and the state that all calls of a policy share. */
export interface PipelineContext {
  /** Name of the policy, or `Class.method`. */
  readonly name: string;
  readonly config: PolicyConfig;
  readonly engine: Engine;
  readonly breaker: CircuitBreaker | undefined;
  readonly bulkhead: Bulkhead | undefined;
  readonly budget: RetryBudget | undefined;
}
