/** One attempt against its time limit and against the end of the call: the first to come wins. */
import { Attempt } from './attempt.js';
import type { CallScope } from './call-scope.js';
import type { NetworkFailure } from './failure.js';
import type { Outcome, Protected } from './outcome.js';
import type { PipelineContext } from './pipeline-context.js';
import { TimeoutExceededError } from './resilience.errors.js';
import { resilienceEvents } from './resilience.events.js';

/** What the race is about. */
export interface AttemptRace<T> {
  readonly context: PipelineContext;
  readonly scope: CallScope;
  readonly fn: Protected<T>;
  /** 1 for the first. */
  readonly attempt: number;
  /** When the whole call ends, on the clock. */
  readonly deadline: number;
  readonly classify: (error: unknown) => NetworkFailure;
  /** Called when the protected code has really ended, which may be after the race. */
  readonly onSettled: () => void;
}

/**
 * Runs the protected code once. When it loses the race its signal is aborted, and whatever it
 * settles with later is observed: it can neither crash the process nor change the outcome.
 */
export function raceAttempt<T>(race: AttemptRace<T>): Promise<Outcome<T>> {
  const { clock, timeouts } = race.context.engine;
  const { timeoutMs } = race.context.config;
  const deadline = Math.min(race.deadline, clock.now() + (timeoutMs ?? Infinity));
  const attempt = new Attempt(race.attempt, deadline, clock);
  return new Promise((resolve) => {
    let pending = true;
    const decide = (outcome: Outcome<T>): void => {
      pending = false;
      limit?.cancel();
      stopListening();
      resolve(outcome);
    };
    const lose = (error: unknown): void => {
      decide({ ok: false, error, failure: race.classify(error), ran: true });
      attempt.abort(error);
    };
    const stopListening = race.scope.whileWaiting(lose);
    const limit =
      timeoutMs === undefined
        ? undefined
        : timeouts.add(timeoutMs, () => lose(attemptTimeout(race, timeoutMs)));
    void attempt.run(race.fn).then(
      (value) => {
        race.onSettled();
        if (!pending) return late(race, 'success');
        attempt.finish();
        decide({ ok: true, value });
      },
      (error: unknown) => {
        race.onSettled();
        if (!pending) return late(race, 'failure');
        attempt.finish();
        decide({ ok: false, error, failure: race.classify(error), ran: true });
      },
    );
  });
}

function attemptTimeout<T>(race: AttemptRace<T>, timeoutMs: number): TimeoutExceededError {
  const { name } = race.context;
  resilienceEvents.emit('timeout', () => ({
    policy: name,
    attempt: race.attempt,
    scope: 'attempt',
  }));
  return new TimeoutExceededError(name, { scope: 'attempt', timeoutMs, executed: 'unknown' });
}

function late<T>(race: AttemptRace<T>, outcome: 'success' | 'failure'): void {
  resilienceEvents.emit('late', () => ({
    policy: race.context.name,
    attempt: race.attempt,
    outcome,
  }));
}
