/** The strategies of a policy around a call, in the one order there is. */
import type { FallbackHandler } from './fallback.js';
import type { Failed, Protected } from './outcome.js';
import { type CallOptions, PipelineCall } from './pipeline-call.js';
import type { PipelineContext } from './pipeline-context.js';
import { resilienceEvents } from './resilience.events.js';

/**
 * The order of strategies, outer → inner; the written order of decorators never matters. A fallback
 * sees only final failures; the breaker counts every attempt, and an open circuit ends the retries;
 * no slot is held during a back-off.
 */
export const RESILIENCE_ORDER = [
  'fallback',
  'totalTimeout',
  'retry',
  'circuitBreaker',
  'bulkhead',
  'timeout',
] as const;

/** One part of a pipeline. */
export type Strategy = (typeof RESILIENCE_ORDER)[number];

/** The decorated call a pipeline runs for; empty for calls through the service. */
export interface Caller {
  readonly instance?: object;
  readonly args?: readonly unknown[];
}

/** Runs calls; holds no state of its own. */
export class Pipeline {
  constructor(readonly context: PipelineContext) {}

  /** The strategies that are switched on, outermost first. */
  get strategies(): readonly Strategy[] {
    const { config } = this.context;
    const on: Record<Strategy, unknown> = {
      fallback: config.fallback,
      totalTimeout: config.totalTimeoutMs,
      retry: config.retry,
      circuitBreaker: config.circuitBreaker,
      bulkhead: config.bulkhead,
      timeout: config.timeoutMs,
    };
    return RESILIENCE_ORDER.filter((strategy) => on[strategy] !== undefined);
  }

  /** @throws the error of the decisive attempt, unwrapped, or a `ResilienceError` */
  async execute<T>(fn: Protected<T>, options: CallOptions = {}, caller: Caller = {}): Promise<T> {
    const call = new PipelineCall(this.context, fn, options);
    const outcome = await call.run();
    if (outcome.ok) return outcome.value;
    const { fallback } = this.context.config;
    // Who gave up does not want a substitute either.
    if (!fallback || call.abandoned) throw outcome.error;
    return this.#fallBack<T>(fallback, outcome, { caller, attempts: call.attempts });
  }

  async #fallBack<T>(
    fallback: FallbackHandler,
    { error, failure }: Failed,
    { caller, attempts }: { caller: Caller; attempts: number },
  ): Promise<T> {
    const policy = this.context.name;
    resilienceEvents.emit('fallback', () => ({ policy, failure }));
    return (await fallback.call(caller.instance, error, [...(caller.args ?? [])], {
      policy,
      failure,
      attempts,
    })) as T;
  }
}
