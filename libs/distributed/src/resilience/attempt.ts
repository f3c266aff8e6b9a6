/** The running attempt, as the protected code sees it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../time/index.js';

/** What the protected code may know about the attempt it is part of. */
export interface AttemptContext {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when this attempt times out, the whole call does, or the caller gives up. */
  readonly signal: AbortSignal;
  /** Milliseconds until the attempt is ended; `Infinity` without time limits, never below 0. */
  readonly remainingMs: number;
}

const storage = new AsyncLocalStorage<Attempt>();

/**
 * The attempt this code runs in, or undefined outside a pipeline.
 *
 * @example
 * await fetch(url, { signal: currentAttempt()?.signal });
 */
export function currentAttempt(): AttemptContext | undefined {
  return storage.getStore();
}

/** The attempt around this code, for a pipeline nested in it; undefined once it ended by itself. */
export function enclosingAttempt(): AttemptContext | undefined {
  const attempt = storage.getStore();
  return attempt?.finished === true ? undefined : attempt;
}

/** One attempt. Its `AbortController` is made when somebody asks: most attempts need none. */
export class Attempt implements AttemptContext {
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;
  #finished = false;

  /** @param deadline when the attempt is ended, on the clock; `Infinity`: never */
  constructor(
    readonly attempt: number,
    readonly deadline: number,
    private readonly clock: Clock,
  ) {}

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.deadline - this.clock.now());
  }

  /** Whether its own work has settled it: what that left running in the background is on its own. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Runs `fn` as part of this attempt; its synchronous errors become rejections. */
  async run<T>(fn: (context: AttemptContext) => Promise<T> | T): Promise<T> {
    return storage.run(this, fn, this);
  }

  /** Its own work has settled it. */
  finish(): void {
    this.#finished = true;
  }

  /** Ends the attempt from outside; what it started should stop. */
  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }
}
