/** How a call relates to the transaction around it. The names are Spring's. */

/** What happens to the transaction around a call; the default is `REQUIRED`. */
export enum Propagation {
  /**
   * Joins the transaction around the call, or opens one. A joined call that throws marks the whole
   * transaction rollback-only, also when the caller catches the error.
   */
  REQUIRED = 'REQUIRED',
  /**
   * Always opens a transaction of its own on a second connection; the one around it waits,
   * untouched. Needs a free connection while the outer one is held: size the pool for it.
   */
  REQUIRES_NEW = 'REQUIRES_NEW',
  /**
   * Opens a savepoint inside the transaction around the call: if it throws, only its own work is
   * undone. Concurrent siblings run one after the other. Without a transaction it opens one.
   */
  NESTED = 'NESTED',
  /** Joins the transaction around the call; without one it runs without a transaction. */
  SUPPORTS = 'SUPPORTS',
  /** Joins the transaction around the call; without one it throws `E_TRANSACTION_REQUIRED`. */
  MANDATORY = 'MANDATORY',
  /** Runs outside: statements go to the pool and commit by themselves. */
  NOT_SUPPORTED = 'NOT_SUPPORTED',
  /** Runs without a transaction; inside one it throws `E_TRANSACTION_NOT_ALLOWED`. */
  NEVER = 'NEVER',
}
