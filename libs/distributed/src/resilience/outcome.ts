/** How one attempt went. */
import type { AttemptContext } from './attempt.js';
import type { NetworkFailure } from './failure.js';

/** The protected code. */
export type Protected<T> = (attempt: AttemptContext) => Promise<T> | T;

/** An attempt without a result. */
export interface Failed {
  readonly ok: false;
  readonly error: unknown;
  readonly failure: NetworkFailure;
  /** False when the protected code was not called. */
  readonly ran: boolean;
}

/** A result, or why there is none. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | Failed;
