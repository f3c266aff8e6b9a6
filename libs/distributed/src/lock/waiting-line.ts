/** The waiters of one key inside this process: first come, first served. */
import type { Clock } from '../time/index.js';
import { happensWithin } from './timed-wait.js';

/** Only its first place acts; the others wait until they are first. */
export class WaitingLine {
  readonly #places = new Set<Place>();

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#places.size === 0;
  }

  /** Stands at the end of the line. The caller must `leave()` in the end. */
  enter(): Place {
    const place = new Place(this);
    this.#places.add(place);
    return place;
  }

  /** Tells the first place to look again. */
  wake(): void {
    this.first?.call();
  }

  /** The place whose turn it is. */
  get first(): Place | undefined {
    return this.#places.values().next().value;
  }

  /** Used by `Place.leave()`. */
  remove(place: Place): void {
    const wasFirst = this.first === place;
    this.#places.delete(place);
    if (wasFirst) this.wake();
  }
}

/** One waiter in a line. */
export class Place {
  #called = false;
  #onCall: (() => void) | undefined;

  constructor(private readonly line: WaitingLine) {}

  /** Whether it is this waiter's turn. */
  get first(): boolean {
    return this.line.first === this;
  }

  /** Remembers that there is something to look at, until the waiter looks. */
  call(): void {
    this.#called = true;
    this.#onCall?.();
  }

  /** Forgets earlier calls: what they told is about to be seen anyway. */
  lookNow(): void {
    this.#called = false;
  }

  /** True when called (also since the last look), false when `ms` are over. */
  async called(ms: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (this.#called) return true;
    const event = new Promise<void>((resolve) => {
      this.#onCall = resolve;
    });
    try {
      return await happensWithin(event, ms, clock, { signal });
    } finally {
      this.#onCall = undefined;
    }
  }

  /** Leaves the line; the next one is called when this was the first. Idempotent. */
  leave(): void {
    this.line.remove(this);
  }
}
