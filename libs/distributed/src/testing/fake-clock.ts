/** A clock that stands still until a test moves it, and randomness that a test decides. */
import { Clock, Random, type Timer } from '../time/index.js';

interface FakeTimer {
  readonly at: number;
  readonly callback: () => void;
}

/** Captured now, so that a test which fakes the global timers cannot stop `advance`. */
const nextTurn = setImmediate;

/**
 * A `Clock` driven by the test. `now()` starts at 0; `epochMs()` at the given wall time.
 *
 * @example
 * const clock = new FakeClock();
 * const done = clock.sleep(100);
 * await clock.advance(100);
 * await done;
 */
export class FakeClock extends Clock {
  readonly #timers = new Set<FakeTimer>();
  readonly #epochMs: number;
  #now = 0;

  /** @param epochMs wall time at `now() === 0`; default 2026-01-01T00:00:00Z */
  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    super();
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#epochMs + this.#now;
  }

  setTimer(callback: () => void, ms: number): Timer {
    const timer: FakeTimer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers wait; 0 means that nothing was leaked. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** When the next timer fires, in `now()` milliseconds; undefined without timers. */
  get nextTimerAt(): number | undefined {
    return this.#next()?.at;
  }

  /**
   * Moves time forward and fires the timers on the way, in order. Between two timers everything
   * that is ready runs, so timers set by earlier ones fire too when they fall into the span.
   * @throws what a timer's callback throws
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await this.settle();
    for (let timer = this.#next(); timer && timer.at <= target; timer = this.#next()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await this.settle();
    }
    this.#now = target;
    await this.settle();
  }

  /** Lets promises that are already resolved run their reactions; time does not move. */
  async settle(): Promise<void> {
    // Two turns: one drains the microtasks of now, one those that an immediate of now set off.
    for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => nextTurn(resolve));
  }

  /** The earliest timer; of several at one instant the one that was set first. */
  #next(): FakeTimer | undefined {
    let earliest: FakeTimer | undefined;
    for (const timer of this.#timers) if (!earliest || timer.at < earliest.at) earliest = timer;
    return earliest;
  }
}

/** A `Random` that repeats a given sequence, and numbers its tokens. */
export class SequenceRandom extends Random {
  readonly #sequence: readonly number[];
  #drawn = 0;
  #tokens = 0;

  /** @param sequence numbers in [0, 1), repeated for ever; default always 0.5 */
  constructor(sequence: readonly number[] = [0.5]) {
    super();
    this.#sequence = sequence;
  }

  next(): number {
    return this.#sequence[this.#drawn++ % this.#sequence.length] ?? 0;
  }

  /** `token-1`, `token-2`, … */
  token(): string {
    return `token-${++this.#tokens}`;
  }
}
