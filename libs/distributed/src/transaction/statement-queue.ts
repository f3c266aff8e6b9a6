/**
 * One statement at a time on one connection, and only for the innermost open scope; the others
 * wait. A parent's statement can therefore never fall into a sibling's savepoint, and node-postgres
 * never sees concurrent queries on one client.
 */
import { AsyncResource } from 'node:async_hooks';

interface Waiting<Owner> {
  readonly owner: Owner;
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

export class StatementQueue<Owner extends object> {
  #top: Owner | undefined;
  #busy = false;
  #waiting: Waiting<Owner>[] = [];

  /** Puts `to` on top if `from` is (undefined: in any case); its waiting work starts. */
  handOver(from: Owner | undefined, to: Owner): void {
    if (from !== undefined && this.#top !== from) return;
    this.#top = to;
    this.#next();
  }

  /** How many statements wait for a scope further in to end. */
  get blocked(): number {
    return this.#waiting.reduce((count, each) => count + (each.owner === this.#top ? 0 : 1), 0);
  }

  /** Runs `work` when it is its turn: in the order of submission, once `owner` is on top. */
  submit<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    if (!this.#busy && owner === this.#top) return this.#run(work);
    return new Promise<T>((resolve, reject) => {
      // Loggers and tracers must see the caller's async context, not that of the statement before.
      const start = AsyncResource.bind(() => resolve(this.#run(work)));
      this.#waiting.push({ owner, start, refuse: reject });
    });
  }

  /** Rejects the waiting work of the given owners. */
  refuse(matches: (owner: Owner) => boolean, error: () => Error): void {
    const refused: Waiting<Owner>[] = [];
    const kept: Waiting<Owner>[] = [];
    for (const each of this.#waiting) (matches(each.owner) ? refused : kept).push(each);
    this.#waiting = kept;
    for (const each of refused) each.refuse(error());
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
      this.#next();
    }
  }

  #next(): void {
    if (this.#busy) return;
    const index = this.#waiting.findIndex((each) => each.owner === this.#top);
    if (index >= 0) this.#waiting.splice(index, 1)[0]?.start();
  }
}
