/** Errors the pipeline itself creates. Each says whether the protected work may have been done. */
import { DistributedError } from '../distributed.errors.js';
import type { Executed } from './failure.js';

/** What a `ResilienceError` adds to a `DistributedError`. */
export interface ResilienceErrorOptions extends ErrorOptions {
  readonly executed: Executed;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Base of the errors of this capability. */
export class ResilienceError extends DistributedError {
  /** Whether the protected work may have been done. */
  readonly executed: Executed;
  /** Milliseconds after which another call has a chance; undefined when nobody knows. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: ResilienceErrorOptions) {
    super(code, message, options);
    this.executed = options.executed;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The shape sent over a wire; `NetworkErrors.classify` reads it on the other side. */
  override toJSON(): ReturnType<DistributedError['toJSON']> & {
    executed: Executed;
    retryAfterMs?: number;
  } {
    return {
      ...super.toJSON(),
      executed: this.executed,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }
}

/** Which of the two time limits ended the call. */
export type TimeoutScope = 'attempt' | 'total';

/** `E_RESILIENCE_TIMEOUT`: one attempt, or the whole call, took too long. Its signal is aborted. */
export class TimeoutExceededError extends ResilienceError {
  readonly scope: TimeoutScope;
  readonly timeoutMs: number;

  constructor(
    policy: string,
    limit: { scope: TimeoutScope; timeoutMs: number; executed: Executed },
    options: ErrorOptions = {},
  ) {
    const what = limit.scope === 'attempt' ? 'an attempt' : 'the call';
    const option = limit.scope === 'attempt' ? 'timeout' : 'totalTimeout';
    super(
      'E_RESILIENCE_TIMEOUT',
      `${policy}: ${what} took longer than ${limit.timeoutMs} ms. ` +
        `Pass the attempt's signal on so that the work stops too, or raise \`${option}\`.`,
      {
        ...options,
        executed: limit.executed,
        retryable: true,
        details: { policy, scope: limit.scope, timeoutMs: limit.timeoutMs },
      },
    );
    this.scope = limit.scope;
    this.timeoutMs = limit.timeoutMs;
  }
}

/** `E_RESILIENCE_CIRCUIT_OPEN`: too many calls failed lately, so this one was not made. */
export class CircuitOpenError extends ResilienceError {
  /** @param cause the last failure the breaker counted */
  constructor(policy: string, retryAfterMs: number | undefined, cause?: unknown) {
    super(
      'E_RESILIENCE_CIRCUIT_OPEN',
      `${policy}: the circuit is open, the call was not made. ` +
        (retryAfterMs === undefined
          ? 'It was forced open; reset() the breaker to let calls through.'
          : `Try again in ${Math.ceil(retryAfterMs)} ms, or give the method a @Fallback.`),
      {
        executed: 'no',
        retryable: true,
        retryAfterMs,
        details: { policy },
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }
}

/** `E_RESILIENCE_BULKHEAD_FULL`: no slot, and no place in the queue, so the call was not made. */
export class BulkheadFullError extends ResilienceError {
  constructor(policy: string, facts: { maxConcurrent: number; maxQueue: number }) {
    super(
      'E_RESILIENCE_BULKHEAD_FULL',
      `${policy}: all ${facts.maxConcurrent} slots are taken and the queue of ${facts.maxQueue} ` +
        'has no place in time, the call was not made. Raise `maxConcurrent`, or allow a `maxQueue`.',
      { executed: 'no', retryable: true, details: { policy, ...facts } },
    );
  }
}

/** `E_RESILIENCE_POLICY_UNKNOWN`: a policy is used that `forRoot()` does not name. */
export class UnknownPolicyError extends DistributedError {
  constructor(where: string, name: string, known: readonly string[]) {
    super(
      'E_RESILIENCE_POLICY_UNKNOWN',
      `${where}: there is no resilience policy '${name}'. ` +
        `Add it to DistributedModule.forRoot({ resilience: { policies: { '${name}': {…} } } }); ` +
        `known are: ${known.length > 0 ? known.map((known) => `'${known}'`).join(', ') : 'none'}.`,
      { details: { policy: name } },
    );
  }
}
