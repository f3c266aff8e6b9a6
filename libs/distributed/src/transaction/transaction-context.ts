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

type Frames = ReadonlyMap<object, Frame>;

const NONE: Frames = new Map();

@Injectable()
export class TransactionContext {
  readonly #storage = new AsyncLocalStorage<Frames>();

  /** The call this code is in, if it is in a transaction of the DataSource; it may have ended. */
  frame(dataSource: object): Frame | undefined {
    return this.#storage.getStore()?.get(dataSource);
  }

  /** The call entered last, of whatever DataSource. */
  innermost(): Frame | undefined {
    return [...(this.#storage.getStore() ?? NONE).values()].at(-1);
  }

  /** Runs `fn` in a frame. */
  enter<T>(dataSource: object, frame: Frame, fn: () => Promise<T>): Promise<T> {
    const frames = new Map(this.#storage.getStore());
    // Insertion order is entering order: `innermost` reads it.
    frames.delete(dataSource);
    frames.set(dataSource, frame);
    return this.#storage.run(frames, async () => fn());
  }

  /** Runs `fn` outside of the DataSource's transaction, if any. */
  suspend<T>(dataSource: object, fn: () => Promise<T>): Promise<T> {
    const frames = new Map(this.#storage.getStore());
    frames.delete(dataSource);
    return this.#storage.run(frames, async () => fn());
  }

  /** Runs a synchronous `fn` outside of every transaction. */
  outside<T>(fn: () => T): T {
    return this.#storage.run(NONE, fn);
  }
}
