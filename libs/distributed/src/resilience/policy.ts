/** A pipeline with a name: what `forRoot` declares, what a decorated method has, what you call. */
import { Bulkhead, type BulkheadConfig, type BulkheadSnapshot } from './bulkhead.js';
import type { CircuitBreakerConfig, CircuitBreakerHandle, CircuitSnapshot } from './circuit.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { Engine } from './engine.js';
import type { Protected } from './outcome.js';
import { type Caller, Pipeline, type Strategy } from './pipeline.js';
import type { CallOptions } from './pipeline-call.js';
import { configOf, mergeParts } from './policy-config.js';
import { resilienceEvents } from './resilience.events.js';
import type { PolicyParts } from './resilience.options.js';
import { RetryBudget, type RetryBudgetConfig } from './retry-budget.js';

/** State of a policy at one moment, for health pages and tests. */
export interface PolicySnapshot {
  readonly name: string;
  readonly strategies: readonly Strategy[];
  readonly circuitBreaker: CircuitSnapshot | undefined;
  readonly bulkhead: BulkheadSnapshot | undefined;
  /** Retries the budget would grant now. */
  readonly retryBudget: number | undefined;
}

/**
 * Runs calls through its pipeline. A policy of a method that names another (`@Resilient('payments')
 * @Retry({...})`) shares the state of every section it does not write itself.
 */
export class Policy {
  #own: PolicyParts;
  #ownBreaker: CircuitBreaker | undefined;
  #ownBulkhead: Bulkhead | undefined;
  #pipeline: Pipeline;
  #revision = 0;
  #baseRevision: number;

  constructor(
    /** The policy's name, or `Class.method`. */
    readonly name: string,
    own: PolicyParts,
    private readonly engine: Engine,
    private readonly base?: Policy,
  ) {
    this.#own = own;
    this.#baseRevision = base?.revision ?? 0;
    this.#pipeline = this.#build();
  }

  /**
   * Runs `fn` through the pipeline.
   * @param caller the decorated call, for its fallback
   * @throws `fn`'s own error, unwrapped; TimeoutExceededError, CircuitOpenError, BulkheadFullError
   * @example
   * await policy.execute(({ signal }) => fetch(url, { signal }));
   */
  execute<T>(fn: Protected<T>, options?: CallOptions, caller?: Caller): Promise<T> {
    return this.#current().execute(fn, options, caller);
  }

  /** The breaker, to look at and to control by hand; undefined when the policy has none. */
  get circuitBreaker(): CircuitBreakerHandle | undefined {
    return this.#current().context.breaker;
  }

  /** The strategies, outermost first. */
  describe(): readonly Strategy[] {
    return this.#current().strategies;
  }

  /** State at this moment. */
  snapshot(): PolicySnapshot {
    const { breaker, bulkhead, budget } = this.#current().context;
    return {
      name: this.name,
      strategies: this.describe(),
      circuitBreaker: breaker?.snapshot(),
      bulkhead: bulkhead?.snapshot(),
      retryBudget: budget?.available,
    };
  }

  /**
   * Replaces the written sections for calls that begin from now on.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`; the policy is then as it was
   */
  update(parts: PolicyParts): void {
    const merged = mergeParts(this.#own, parts);
    configOf(this.base ? mergeParts(this.base.parts, merged) : merged, this.name);
    this.#own = merged;
    this.#revision++;
    this.#pipeline = this.#build();
  }

  /** Grows with every update. */
  get revision(): number {
    return this.#revision + (this.base?.revision ?? 0);
  }

  /** What is written for the policy, all places merged. */
  get parts(): PolicyParts {
    return this.base ? mergeParts(this.base.parts, this.#own) : this.#own;
  }

  #current(): Pipeline {
    if (this.base && this.base.revision !== this.#baseRevision) {
      this.#baseRevision = this.base.revision;
      this.#pipeline = this.#build();
    }
    return this.#pipeline;
  }

  #build(): Pipeline {
    const config = configOf(this.parts, this.name);
    const base = this.base && this.base.#current().context;
    const shared = (section: keyof PolicyParts): boolean =>
      base !== undefined && this.#own[section] === undefined;
    return new Pipeline({
      name: this.name,
      config,
      engine: this.engine,
      breaker: shared('circuitBreaker') ? base?.breaker : this.#breaker(config.circuitBreaker),
      bulkhead: shared('bulkhead') ? base?.bulkhead : this.#bulkhead(config.bulkhead),
      budget: shared('retry') ? base?.budget : this.#budget(config.retry?.budget),
    });
  }

  /** The same breaker with new settings, so that handles stay valid and nothing is forgotten. */
  #breaker(config: CircuitBreakerConfig | undefined): CircuitBreaker | undefined {
    if (!config) return (this.#ownBreaker = undefined);
    this.#ownBreaker?.configure(config);
    return (this.#ownBreaker ??= new CircuitBreaker(this.name, config, this.engine, (state) =>
      resilienceEvents.emit('circuit', () => ({ policy: this.name, state })),
    ));
  }

  /** The same bulkhead with new settings, so that calls inside stay counted. */
  #bulkhead(config: BulkheadConfig | undefined): Bulkhead | undefined {
    if (!config) return (this.#ownBulkhead = undefined);
    this.#ownBulkhead?.configure(config);
    return (this.#ownBulkhead ??= new Bulkhead(this.name, config, this.engine.clock));
  }

  #budget(config: RetryBudgetConfig | undefined): RetryBudget | undefined {
    return config && new RetryBudget(config, this.engine.clock);
  }
}
