/** What transactions need of locks; the application's module wires the adapter. */

/** Sends one statement in the transaction. */
export interface FenceExecutor {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** The fence of one lock the calling code is inside of. */
export interface TransactionFence {
  /** The lock: entered once per scope. */
  readonly lock: object;
  /** Refuses a holder that is later than another one; otherwise keeps later ones waiting. */
  enter(executor: FenceExecutor): Promise<void>;
}

/** Knows the locks the current code is inside of. */
export abstract class FencePort {
  /**
   * Their fences, in the one order that everybody uses; empty outside of any lock.
   * @param table where fences are kept; undefined for the default
   */
  abstract current(table: string | undefined): readonly TransactionFence[];
}
