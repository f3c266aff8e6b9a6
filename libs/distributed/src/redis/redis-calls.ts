/** Calls under way: each settles by its reply, its deadline or the loss of its connection. */
import type { Clock } from '../time/index.js';

/** How one attempt ended. */
export type CallOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'late' }
  | { readonly kind: 'lost' };

/** The attempts that wait for a reply on one connection. */
export class RedisCalls {
  readonly #clock: Clock;
  readonly #lost = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#lost.size;
  }

  /** To be told when the connection is gone: no reply will come for what was sent on it. */
  loseAll(): void {
    for (const lose of this.#lost) lose();
  }

  /** Runs `run` and waits at most `maxMs`. Never rejects; what comes later is dropped. */
  attempt<T>(run: () => Promise<T>, maxMs: number): Promise<CallOutcome<T>> {
    return new Promise((resolve) => {
      const settle = (outcome: CallOutcome<T>): void => {
        timer.cancel();
        this.#lost.delete(lose);
        resolve(outcome);
      };
      const lose = (): void => settle({ kind: 'lost' });
      const timer = this.#clock.setTimer(() => settle({ kind: 'late' }), maxMs, {
        keepAlive: true,
      });
      this.#lost.add(lose);
      start(run).then(
        (value) => settle({ kind: 'done', value }),
        (error: unknown) => settle({ kind: 'failed', error }),
      );
    });
  }
}

/** `async`, so that a synchronous throw is a failure like any other. */
async function start<T>(run: () => Promise<T>): Promise<T> {
  return run();
}
