/** Turns attempts into calls: waits for the connection, repeats what was lost, gives up in time. */
import type { Clock, Random } from '../time/index.js';
import type { CallOutcome, Send } from './redis-calls.js';
import { executedDespite } from './redis-failure.js';
import type { RedisLink } from './redis-link.js';
import { RedisDeadlineError, type RedisExecuted, RedisUnavailableError } from './redis.errors.js';
import { redisFailureChannel, type RedisFailureEvent } from './redis.events.js';

/** Options of one call. */
export interface RedisCallOptions {
  /** When the call gives up, milliseconds. Default `commandTimeout`. */
  readonly deadlineMs?: number;
  /**
   * Whether the call may be sent again when its connection was lost and nobody knows whether it was
   * executed. Default true: the call must be idempotent under repetition.
   */
  readonly resend?: boolean;
}

/** The settings that concern calls. */
export interface RedisCallerSettings {
  readonly commandTimeout: number;
  readonly maxPending: number;
}

/** Back-off between attempts that the server refused. */
const FIRST_RETRY_MS = 25;
const LAST_RETRY_MS = 250;

/** The outcome of an attempt that brought no reply. */
type Unanswered = Exclude<CallOutcome<never>, { kind: 'done' }>;

/** What is known of a call after some attempts. */
interface CallState {
  readonly label: string;
  readonly deadlineMs: number;
  readonly deadlineAt: number;
  executed: RedisExecuted;
  cause: unknown;
}

/** Makes calls over one link. */
export class RedisCaller {
  readonly #link: RedisLink;
  readonly #settings: RedisCallerSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  #pending = 0;

  constructor(link: RedisLink, settings: RedisCallerSettings, clock: Clock, random: Random) {
    this.#link = link;
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** See `RedisConnection.execute`. */
  call<T>(label: string, send: Send<T>, options: RedisCallOptions): Promise<T> {
    const deadlineMs = options.deadlineMs ?? this.#settings.commandTimeout;
    const deadlineAt = this.#clock.now() + deadlineMs;
    const state: CallState = { label, deadlineMs, deadlineAt, executed: 'no', cause: undefined };
    const { maxPending } = this.#settings;
    if (this.#pending >= maxPending)
      return Promise.reject(this.#unavailable(state, `${maxPending} calls are pending`));
    this.#pending++;
    const { gate, calls } = this.#link;
    if (!gate.open) return this.#persist(state, send, options);
    return new Promise((resolve, reject) => {
      calls.start(send, deadlineAt, (outcome) => {
        if (outcome.kind === 'done') {
          this.#pending--;
          resolve(outcome.value);
        } else this.#persist(state, send, options, outcome).then(resolve, reject);
      });
    });
  }

  /** Attempts until one brings a reply, or there is no use in another one. */
  async #persist<T>(
    state: CallState,
    send: Send<T>,
    { resend = true }: RedisCallOptions,
    first?: Unanswered,
  ): Promise<T> {
    let last = first;
    try {
      for (let attempt = first ? 0 : -1; ; attempt++) {
        if (last) this.#learn(state, last, resend);
        // A lost connection is waited for at the gate; a server that refuses is asked again later.
        if (last?.kind === 'failed') await this.#backOff(state, attempt);
        if (!this.#link.gate.open) await this.#untilOpen(state);
        const outcome = await new Promise<CallOutcome<T>>((settle) =>
          this.#link.calls.start(send, state.deadlineAt, settle),
        );
        if (outcome.kind === 'done') return outcome.value;
        last = outcome;
      }
    } finally {
      this.#pending--;
    }
  }

  /** What an attempt without a reply says of the call; throws when there is no use in another one. */
  #learn(state: CallState, outcome: Unanswered, resend: boolean): void {
    if (outcome.kind === 'late') {
      state.executed = 'unknown';
      this.#link.suspect();
      throw this.#late(state);
    }
    const executed = outcome.kind === 'lost' ? 'unknown' : executedDespite(outcome.error);
    if (outcome.kind === 'failed') {
      if (executed === undefined) throw outcome.error;
      state.cause = outcome.error;
    }
    if (executed === 'unknown') state.executed = 'unknown';
    if (state.executed === 'unknown' && !resend)
      throw this.#unavailable(state, 'the connection was lost before the reply');
  }

  async #untilOpen(state: CallState): Promise<void> {
    switch (await this.#link.gate.pass(state.deadlineAt - this.#clock.now())) {
      case 'open':
        return;
      case 'late':
        throw this.#late(state);
      case 'closed':
        throw this.#unavailable(state, 'the connection is closed');
      case 'gone': {
        state.cause ??= this.#link.lastError;
        const reason = this.#link.lastError ? ` (${this.#link.lastError.message})` : '';
        throw this.#unavailable(state, `there is no connection${reason}`);
      }
    }
  }

  async #backOff(state: CallState, attempt: number): Promise<void> {
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
    const delayMs = ceiling * (0.5 + this.#random.next() / 2);
    const leftMs = state.deadlineAt - this.#clock.now();
    if (delayMs >= leftMs) {
      throw this.#unavailable(state, `${String((state.cause as Error).message)}`);
    }
    await this.#clock.sleep(delayMs);
  }

  #late(state: CallState): RedisDeadlineError {
    const { label, executed, cause } = state;
    return this.#failed(
      new RedisDeadlineError({ label, executed, cause }, state.deadlineMs),
      label,
    );
  }

  #unavailable(state: CallState, reason: string): RedisUnavailableError {
    const { label, executed, cause } = state;
    return this.#failed(new RedisUnavailableError({ label, executed, cause }, reason), label);
  }

  #failed<E extends RedisDeadlineError | RedisUnavailableError>(error: E, label: string): E {
    if (redisFailureChannel.hasSubscribers) {
      const event: RedisFailureEvent = { label, code: error.code, executed: error.executed };
      redisFailureChannel.publish(event);
    }
    return error;
  }
}
