/** The waiters of one key inside this process: first come, first served. */
import type { Clock } from '../time/index.js';
import { happensWithin } from './timed-wait.js';

/** Only its first place acts; the others wait until they are first. */
export class WaitingLine {
  readonly #places = new Set<Place>();

  /** Stands at the end of the line. The caller must `leave()` in the end. */
  enter(): Place {
    const place = new Place(this);
    this.#places.add(place);
    return place;
  }

  /** The place whose turn it is. */
  get first(): Place | undefined {
    return this.#places.values().next().value;
  }

  /** Used by `Place.leave()`. */
  remove(place: Place): void {
    const wasFirst = this.first === place;
    this.#places.delete(place);
    if (wasFirst) this.first?.call();
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

  /** It is this waiter's turn from now on. */
  call(): void {
    this.#called = true;
    this.#onCall?.();
  }

  /** True when called, also before; false when `ms` are over. */
  async called(ms: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    if (this.#called) return true;
    const event = new Promise<void>((resolve) => {
      this.#onCall = resolve;
    });
    try {
      return await happensWithin(event, ms, clock, signal);
    } finally {
      this.#onCall = undefined;
    }
  }

  /** Leaves the line; the next one is called when this was the first. Idempotent. */
  leave(): void {
    this.line.remove(this);
  }
}
