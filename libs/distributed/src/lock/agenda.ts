/** One timer for many due times. */
import type { Clock, Timer } from '../time/index.js';

/** Holds items until they are due. The due time of an item may move to later at any time. */
export class Agenda<T> {
  readonly #items = new Set<T>();
  #timer: Timer | undefined;
  #timerAt = Infinity;

  /**
   * @param dueAt when an item is due, in `clock.now()` milliseconds
   * @param onDue receives the items that are due; they have left the agenda
   */
  constructor(
    private readonly clock: Clock,
    private readonly dueAt: (item: T) => number,
    private readonly onDue: (items: T[]) => void,
  ) {}

  /** Adds an item, or tells that its due time has moved to earlier. */
  add(item: T): void {
    this.#items.add(item);
    const at = this.dueAt(item);
    if (at < this.#timerAt) this.#arm(at);
  }

  /** Takes an item off; false when it was not there. */
  delete(item: T): boolean {
    const deleted = this.#items.delete(item);
    // The timer is left alone while others are there: it finds out what is due when it fires.
    if (this.#items.size === 0) this.#disarm();
    return deleted;
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.clock.setTimer(() => this.#fire(), Math.ceil(at - this.clock.now()));
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #fire(): void {
    this.#disarm();
    const now = this.clock.now();
    const due: T[] = [];
    let next = Infinity;
    for (const item of this.#items) {
      const at = this.dueAt(item);
      if (at <= now) due.push(item);
      else if (at < next) next = at;
    }
    for (const item of due) this.#items.delete(item);
    if (next < Infinity) this.#arm(next);
    if (due.length > 0) this.onDue(due);
  }
}
