/** The waiters of one key when each stands in the store's queue itself: one of them asks for all. */

/** One waiter that contends for itself. */
export interface StrictPlace {
  /** Its token in the store's queue, once it asks. */
  readonly contender: string | undefined;
  /** Asks again. */
  wake(): void;
}

/** In order of arrival; the first asks regularly, which keeps the places of the others too. */
export class StrictQueue {
  readonly #places = new Set<StrictPlace>();

  /** @param together whether several can hold at a time: then what one got, the next may get too */
  constructor(private readonly together: boolean) {}

  /** Whether nobody stands in it. */
  get empty(): boolean {
    return this.#places.size === 0;
  }

  /** Stands at the end. */
  enter(place: StrictPlace): void {
    this.#places.add(place);
  }

  /** Leaves; from now on the next one asks regularly, at once only if it may succeed. Idempotent. */
  leave(place: StrictPlace): void {
    const wasFirst = this.#first === place;
    this.#places.delete(place);
    if (wasFirst && this.together) this.#first?.wake();
  }

  /** Whether `place` need not ask until it is woken. */
  sleeps(place: StrictPlace): boolean {
    return this.#places.has(place) && this.#first !== place;
  }

  /** The tokens whose places `place` keeps. */
  siblingsOf(place: StrictPlace): string[] {
    if (this.#first !== place) return [];
    return [...this.#places].flatMap(({ contender }) =>
      contender && contender !== place.contender ? [contender] : [],
    );
  }

  get #first(): StrictPlace | undefined {
    return this.#places.values().next().value;
  }
}
