/** Calls under way: each settles by its reply, its deadline or the loss of its connection. */
import { Agenda, type Clock } from '../time/index.js';

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
 * The attempts that wait for a reply on one connection. One timer watches all their deadlines, and
 * stays when a call is answered: the next one comes soon, and a timer for each would cost more than
 * all the rest. It ends with the connection.
 */
export class RedisCalls {
  readonly #waiting: Agenda<Waiting>;

  constructor(clock: Clock) {
    this.#waiting = new Agenda<Waiting>(
      clock,
      ({ deadlineAt }) => deadlineAt,
      (late) => {
        for (const { settle } of late) settle({ kind: 'late' });
      },
      { keepAlive: true, lingers: true },
    );
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** To be told when the connection is gone: no reply will come for what was sent on it. */
  loseAll(): void {
    for (const { settle } of this.#waiting.clear()) settle({ kind: 'lost' });
  }

  /**
   * Runs `run` and waits until `deadlineAt`, in `clock.now()` milliseconds. Never rejects; what comes
   * later is dropped.
   */
  attempt<T>(run: () => Promise<T>, deadlineAt: number): Promise<CallOutcome<T>> {
    return new Promise((settle) => this.start(sending(run), deadlineAt, settle));
  }

  /** The same without promises of its own, which are what a call costs most. */
  start<T>(send: Send<T>, deadlineAt: number, settle: (outcome: CallOutcome<T>) => void): void {
    const call: Waiting = { deadlineAt, settle };
    // After `late` or `lost` it is not there any more, and its outcome is known.
    const done = (value: T): void => {
      if (this.#waiting.delete(call)) settle({ kind: 'done', value });
    };
    const failed = (error: unknown): void => {
      if (this.#waiting.delete(call)) settle({ kind: 'failed', error });
    };
    this.#waiting.add(call);
    try {
      send(done, failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** Sends commands, and calls one of the two when they are answered; neither throws. */
export type Send<T> = (answered: (value: T) => void, failed: (error: unknown) => void) => void;

/** For those who have a promise. */
export function sending<T>(run: () => Promise<T>): Send<T> {
  return (answered, failed) => void run().then(answered, failed);
}
