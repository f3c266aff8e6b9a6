/** Calls under way: each settles by its reply, its deadline or the loss of its connection. */
import type { Clock, Timer } from '../time/index.js';

/** How one attempt ended. */
export type CallOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'late' }
  | { readonly kind: 'lost' };

/** An attempt without an outcome. */
interface Waiting {
  readonly deadlineAt: number;
  readonly settle: (outcome: CallOutcome<never>) => void;
}

/**
 * The attempts that wait for a reply on one connection. One timer watches all their deadlines: it is
 * set for the earliest and not taken back when that one is answered, because the next call comes soon
 * and a timer for each call would cost more than all the rest. It ends with the connection.
 */
export class RedisCalls {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #alarm: Timer | undefined;
  #alarmAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** To be told when the connection is gone: no reply will come for what was sent on it. */
  loseAll(): void {
    for (const { settle } of this.#waiting) settle({ kind: 'lost' });
    this.#waiting.clear();
    this.#disarm();
  }

  /**
   * Runs `run` and waits until `deadlineAt`, in `clock.now()` milliseconds. Never rejects; what comes
   * later is dropped.
   */
  attempt<T>(run: () => Promise<T>, deadlineAt: number): Promise<CallOutcome<T>> {
    return new Promise((settle) => {
      const call: Waiting = { deadlineAt, settle };
      this.#waiting.add(call);
      if (deadlineAt < this.#alarmAt) this.#arm(deadlineAt);
      // After `late` or `lost` the promise is settled, and this changes nothing.
      start(run).then(
        (value) => {
          this.#waiting.delete(call);
          settle({ kind: 'done', value });
        },
        (error: unknown) => {
          this.#waiting.delete(call);
          settle({ kind: 'failed', error });
        },
      );
    });
  }

  #arm(at: number): void {
    this.#alarm?.cancel();
    this.#alarmAt = at;
    const ms = at - this.#clock.now();
    this.#alarm = this.#clock.setTimer(this.#ring, ms, { keepAlive: true });
  }

  #disarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#alarmAt = Infinity;
  }

  readonly #ring = (): void => {
    this.#disarm();
    const now = this.#clock.now();
    let next = Infinity;
    for (const call of this.#waiting) {
      if (call.deadlineAt > now) {
        next = Math.min(next, call.deadlineAt);
        continue;
      }
      this.#waiting.delete(call);
      call.settle({ kind: 'late' });
    }
    if (next < Infinity) this.#arm(next);
  };
}

/** A synchronous throw is a failure like any other. */
function start<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error as Error);
  }
}
