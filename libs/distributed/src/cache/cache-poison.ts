/**
 * Keys whose eviction Redis did not confirm: this process serves and keeps nothing cached for them.
 * Evictions draw tickets when they are sent; a confirmation heals only what was poisoned by an
 * earlier ticket, since it says nothing about a write that came after it was sent.
 */
export class CachePoison {
  readonly #keys = new Map<string, number>();
  #all: number | undefined;
  #tickets = 0;

  /** Drawn when an eviction is sent. */
  ticket(): number {
    return ++this.#tickets;
  }

  /** Whether nothing cached may be used for `key`. */
  has(key: string): boolean {
    return this.#all !== undefined || this.#keys.has(key);
  }

  /** What waits for a confirmation: keys, or undefined for the whole cache. */
  get pending(): readonly (string | undefined)[] {
    return this.#all === undefined ? [...this.#keys.keys()] : [undefined];
  }

  /** Unconfirmed evictions; the whole cache counts as one. */
  get size(): number {
    return this.#all === undefined ? this.#keys.size : 1;
  }

  /** Notes that the eviction with this ticket failed; `undefined`: that of the whole cache. */
  add(key: string | undefined, ticket: number): void {
    if (key === undefined) this.#all = Math.max(this.#all ?? 0, ticket);
    else this.#keys.set(key, Math.max(this.#keys.get(key) ?? 0, ticket));
    if (this.#keys.size > MAX_KEYS) this.#escalate(ticket);
  }

  /** Notes that the eviction with this ticket was confirmed. */
  heal(key: string | undefined, ticket: number): void {
    const keys = key === undefined ? [...this.#keys.keys()] : [key];
    for (const poisoned of keys)
      if ((this.#keys.get(poisoned) ?? ticket) < ticket) this.#keys.delete(poisoned);
    if (key === undefined && (this.#all ?? ticket) < ticket) this.#all = undefined;
  }

  /** Too many keys to remember: the whole cache takes their place. */
  #escalate(ticket: number): void {
    this.#all = Math.max(this.#all ?? 0, ticket, ...this.#keys.values());
    this.#keys.clear();
  }
}

const MAX_KEYS = 1_000;
