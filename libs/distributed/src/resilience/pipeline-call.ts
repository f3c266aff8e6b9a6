/** One call on its way through a pipeline: attempts, and the waits before and between them. */
import { enclosingAttempt } from './attempt.js';
import { raceAttempt } from './attempt-race.js';
import { recordAttempts } from './attempts.js';
import type { Bulkhead } from './bulkhead.js';
import { CallScope } from './call-scope.js';
import type { CallOutcome, Permit } from './circuit.js';
import { type Executed, mostExecuted, type NetworkFailure } from './failure.js';
import type { Failed, Outcome, Protected } from './outcome.js';
import type { PipelineContext } from './pipeline-context.js';
import { TimeoutExceededError } from './resilience.errors.js';
import { resilienceEvents } from './resilience.events.js';
import { retryDelayMs } from './retry-rule.js';
import type { TimeLimit } from './timeout-lanes.js';

/** What a single call may decide. */
export interface CallOptions {
  /** Ends the call: waiting stops at once, and the attempt's signal aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides the policy; a function is asked whenever a retry is due. */
  readonly idempotent?: boolean | (() => boolean | undefined) | undefined;
  /** Asked whenever a retry is due; false: this call must not be repeated at all. */
  readonly repeatable?: (() => boolean) | undefined;
}

/** Total timeout › retry › circuit breaker › bulkhead › attempt, for one call. */
export class PipelineCall<T> {
  readonly #scope = new CallScope();
  readonly #deadline: number;
  readonly #totalLimit: TimeLimit | undefined;
  #totalError: TimeoutExceededError | undefined;
  #attempts = 0;
  #executed: Executed = 'no';
  #running = false;
  #lastRun: Failed | undefined;

  constructor(
    private readonly context: PipelineContext,
    private readonly fn: Protected<T>,
    private readonly options: CallOptions,
  ) {
    const { clock, timeouts } = context.engine;
    const totalMs = context.config.totalTimeoutMs;
    // A pipeline inside an attempt of another one ends with that attempt: nobody waits any more.
    const enclosing = enclosingAttempt();
    this.#scope.follow(options.signal);
    this.#scope.follow(enclosing?.signal);
    const enclosingMs = enclosing?.remainingMs ?? Infinity;
    this.#deadline = clock.now() + Math.min(totalMs ?? Infinity, enclosingMs);
    if (totalMs !== undefined)
      this.#totalLimit = timeouts.add(totalMs, () => this.#endByTotalTimeout(totalMs));
  }

  /** Attempts made so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether somebody who waited for the call gave up: its caller, or the attempt around it. */
  get abandoned(): boolean {
    const ended = this.#scope.ended;
    return ended !== undefined && ended.reason !== this.#totalError;
  }

  /** Makes attempts until one succeeds or the rule says stop. */
  async run(): Promise<{ readonly ok: true; readonly value: T } | Failed> {
    this.context.budget?.called();
    try {
      for (;;) {
        const outcome = await this.#attempt();
        if (outcome.ok) return outcome;
        this.context.engine.report(outcome.failure, outcome.error);
        if (!(await this.#pauseBeforeRetry(outcome))) return this.#decisive(outcome);
      }
    } finally {
      this.#totalLimit?.cancel();
      this.#scope.close();
    }
  }

  async #attempt(): Promise<Outcome<T>> {
    const { breaker, bulkhead, engine } = this.context;
    if (this.#scope.ended) return this.#notRun(this.#scope.ended.reason);
    let permit: Permit | undefined;
    try {
      permit = breaker?.acquire();
    } catch (error) {
      return this.#refused('circuit-breaker', error);
    }
    const refusal = bulkhead && !bulkhead.tryEnter() ? await this.#queue(bulkhead) : undefined;
    const startedAt = engine.clock.now();
    const outcome = refusal ?? (await this.#race());
    if (permit) {
      const durationMs = engine.clock.now() - startedAt;
      breaker?.record(
        permit,
        meaningOf(outcome),
        durationMs,
        outcome.ok ? undefined : outcome.error,
      );
    }
    return outcome;
  }

  /** Waits for a slot; returns why the call did not get one. */
  async #queue(bulkhead: Bulkhead): Promise<Failed | undefined> {
    let entered: boolean;
    try {
      const wait = bulkhead.wait();
      const stopListening = this.#scope.whileWaiting(() => wait.cancel());
      entered = await wait.entered.finally(stopListening);
    } catch (error) {
      return this.#refused('bulkhead', error);
    }
    if (!this.#scope.ended) return undefined;
    // The slot may have come in the same turn as the end of the call.
    if (entered) bulkhead.leave();
    return this.#notRun(this.#scope.ended.reason);
  }

  async #race(): Promise<Outcome<T>> {
    this.#attempts++;
    this.#running = true;
    const outcome = await raceAttempt({
      context: this.context,
      scope: this.#scope,
      fn: this.fn,
      attempt: this.#attempts,
      deadline: this.#deadline,
      classify: (error) => this.#classify(error),
      // A slot stands for real use of the dependency, so only the real end gives it back.
      onSettled: () => this.context.bulkhead?.leave(),
    });
    this.#running = false;
    if (!outcome.ok) {
      this.#lastRun = outcome;
      this.#executed = mostExecuted(this.#executed, outcome.failure.executed);
    }
    return outcome;
  }

  /** False when the outcome is final; otherwise the next attempt may start. */
  async #pauseBeforeRetry(outcome: Failed): Promise<boolean> {
    if (this.#scope.ended || this.options.repeatable?.() === false) return false;
    const { clock } = this.context.engine;
    const { idempotent } = this.options;
    const answer = typeof idempotent === 'function' ? idempotent() : idempotent;
    const delayMs = retryDelayMs(this.context, outcome, {
      attempt: this.#attempts,
      idempotent: answer ?? this.context.config.idempotent,
      remainingMs: this.#deadline - clock.now(),
    });
    if (delayMs === undefined) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel();
        stopListening();
        resolve();
      };
      const timer = clock.setTimer(done, delayMs, { keepAlive: true });
      const stopListening = this.#scope.whileWaiting(done);
    });
    return true;
  }

  /** What the caller gets to see: why the work failed, rather than why it was not tried again. */
  #decisive(outcome: Failed): Failed {
    const refused = !outcome.ran && outcome.failure.kind === 'rejected';
    const decisive = refused && this.#lastRun ? this.#lastRun : outcome;
    recordAttempts(decisive.error, this.#attempts, this.#executed);
    return decisive;
  }

  #endByTotalTimeout(timeoutMs: number): void {
    const { name: policy } = this.context;
    resilienceEvents.emit('timeout', () => ({ policy, attempt: this.#attempts, scope: 'total' }));
    this.#totalError = new TimeoutExceededError(
      policy,
      { scope: 'total', timeoutMs, executed: this.#executedSoFar() },
      this.#lastRun && { cause: this.#lastRun.error },
    );
    this.#scope.end(this.#totalError);
  }

  #classify(error: unknown): NetworkFailure {
    if (this.abandoned && error === this.#scope.ended?.reason)
      return { kind: 'cancelled', executed: this.#executedSoFar(), source: 'caller' };
    return this.context.engine.classify(error, this.context.config.classify);
  }

  #executedSoFar(): Executed {
    return this.#running ? mostExecuted(this.#executed, 'unknown') : this.#executed;
  }

  #notRun(error: unknown): Failed {
    return { ok: false, error, failure: this.#classify(error), ran: false };
  }

  #refused(by: 'circuit-breaker' | 'bulkhead', error: unknown): Failed {
    resilienceEvents.emit('rejected', () => ({ policy: this.context.name, by }));
    return this.#notRun(error);
  }
}

/** What an outcome says about the health of the dependency. */
function meaningOf<T>(outcome: Outcome<T>): CallOutcome {
  if (outcome.ok) return 'success';
  const { kind, executed } = outcome.failure;
  if (!outcome.ran) return 'ignored';
  if (kind === 'transient' || kind === 'overloaded') return 'failure';
  // "No such order" is an answer: without this, a half-open circuit could never close on such calls.
  return kind === 'permanent' && executed === 'yes' ? 'success' : 'ignored';
}
