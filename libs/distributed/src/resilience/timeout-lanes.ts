/** Time limits for many calls with few timers: one queue, and one timer, per distinct duration. */
import type { Clock, Timer } from '../time/index.js';

/** A running time limit; `cancel` is idempotent. */
export interface TimeLimit {
  cancel(): void;
}

/**
 * Calls with the same limit expire in the order they began, so only the oldest needs a timer. A
 * call that ends in time costs a few pointer writes and no timer. The timers do not keep the
 * process alive (as with `AbortSignal.timeout()`): the work they limit does.
 */
export class TimeoutLanes {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onExpire` after `ms`, unless cancelled before. */
  add(ms: number, onExpire: () => void): TimeLimit {
    let lane = this.#lanes.get(ms);
    if (!lane) this.#lanes.set(ms, (lane = new Lane(ms, this.#clock)));
    return lane.add(onExpire);
  }
}

interface Entry extends TimeLimit {
  readonly expiresAt: number;
  readonly onExpire: () => void;
}

class Lane {
  /** In order of expiry, because a Set keeps the order of insertion. */
  readonly #entries = new Set<Entry>();
  #timer: Timer | undefined;

  constructor(
    private readonly ms: number,
    private readonly clock: Clock,
  ) {}

  add(onExpire: () => void): TimeLimit {
    const entry: Entry = {
      expiresAt: this.clock.now() + this.ms,
      onExpire,
      cancel: () => void this.#entries.delete(entry),
    };
    this.#entries.add(entry);
    if (!this.#timer) this.#arm(this.ms);
    return entry;
  }

  #arm(ms: number): void {
    this.#timer = this.clock.setTimer(() => this.#expire(), ms);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.clock.now();
    for (const entry of this.#entries) {
      if (entry.expiresAt > now) {
        // Armed before the callbacks of later entries could: `add` sees a timer and leaves it.
        if (!this.#timer) this.#arm(entry.expiresAt - now);
        return;
      }
      this.#entries.delete(entry);
      entry.onExpire();
    }
  }
}
