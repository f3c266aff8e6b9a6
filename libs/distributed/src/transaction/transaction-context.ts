/**
 * Which transaction a piece of code is in, per DataSource. Immutable: entering copies, so branches
 * of `Promise.all` never see each other's transactions.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import type { TransactionScope } from './transaction-scope.js';

/** One call inside a scope. */
export interface Frame {
  readonly scope: TransactionScope;
  /** True when the call joined the scope, false when it opened it. */
  readonly joined: boolean;
}

/** The scopes around some code, innermost first; those that were suspended, too. */
interface Enclosing {
  readonly scope: TransactionScope;
  readonly outer: Enclosing | undefined;
}

interface Place {
  readonly frames: ReadonlyMap<object, Frame>;
  readonly enclosing: Enclosing | undefined;
}

const NOWHERE: Place = { frames: new Map(), enclosing: undefined };

@Injectable()
export class TransactionContext {
  readonly #storage = new AsyncLocalStorage<Place>();

  /** The call this code is in, if it is in a transaction of the DataSource; it may have ended. */
  frame(dataSource: object): Frame | undefined {
    return this.#storage.getStore()?.frames.get(dataSource);
  }

  /** The call entered last, of whatever DataSource. */
  innermost(): Frame | undefined {
    // Asked by every cached call: outside of transactions it allocates nothing.
    const frames = this.#storage.getStore()?.frames;
    return frames && [...frames.values()].at(-1);
  }

  /** The scopes this code was called in, innermost first; they may have ended, or be suspended. */
  enclosing(): TransactionScope[] {
    const scopes: TransactionScope[] = [];
    for (let each = this.#place.enclosing; each; each = each.outer) scopes.push(each.scope);
    return scopes;
  }

  /** Runs `fn` in a frame. */
  enter<T>(dataSource: object, frame: Frame, fn: () => Promise<T>): Promise<T> {
    let { enclosing } = this.#place;
    // A loop that starts each round inside the transaction of the last one must not keep them all.
    while (enclosing?.scope.transaction.ended) enclosing = enclosing.outer;
    const frames = this.#framesWithout(dataSource);
    // Insertion order is entering order: `innermost` reads it.
    frames.set(dataSource, frame);
    const place = { frames, enclosing: { scope: frame.scope, outer: enclosing } };
    return this.#storage.run(place, async () => fn());
  }

  /** Runs `fn` outside of the DataSource's transaction, if any. */
  suspend<T>(dataSource: object, fn: () => Promise<T>): Promise<T> {
    const { enclosing } = this.#place;
    const place = { frames: this.#framesWithout(dataSource), enclosing };
    return this.#storage.run(place, async () => fn());
  }

  /** Runs a synchronous `fn` outside of every transaction. */
  outside<T>(fn: () => T): T {
    return this.#storage.run(NOWHERE, fn);
  }

  get #place(): Place {
    return this.#storage.getStore() ?? NOWHERE;
  }

  #framesWithout(dataSource: object): Map<object, Frame> {
    const frames = new Map(this.#place.frames);
    frames.delete(dataSource);
    return frames;
  }
}
