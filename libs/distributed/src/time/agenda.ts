/** One timer for many due times. */
import type { Clock, Timer } from './clock.js';

/** How the timer of an agenda behaves. */
export interface AgendaOptions {
  /** Whether it keeps the process alive. Default false. */
  readonly keepAlive?: boolean;
  /**
   * Whether it stays set when the last item is taken off: for items that come and go faster than a
   * timer is made. `clear()` takes it back. Default false.
   */
  readonly lingers?: boolean;
}

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
    private readonly options: AgendaOptions = {},
  ) {}

  /** How many items it holds. */
  get size(): number {
    return this.#items.size;
  }

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
    if (this.#items.size === 0 && !this.options.lingers) this.#disarm();
    return deleted;
  }

  /** Takes everything off, the timer included; returns what was there. */
  clear(): T[] {
    const items = [...this.#items];
    this.#items.clear();
    this.#disarm();
    return items;
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    const { keepAlive = false } = this.options;
    const ms = Math.ceil(at - this.clock.now());
    this.#timer = this.clock.setTimer(this.#fire, ms, { keepAlive });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  readonly #fire = (): void => {
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
  };
}
