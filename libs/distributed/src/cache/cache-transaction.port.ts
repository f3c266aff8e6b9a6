/** What the cache needs to know of database transactions; wired by distributed.module.ts. */

/**
 * The transaction the current call runs in. Without a provider there are no transactions, and
 * evictions happen as soon as the method has resolved.
 */
export abstract class CacheTransactionPort {
  /**
   * Any object that stands for the active physical transaction as long as it lives, the same for
   * every call inside it; undefined outside. A suspended outer transaction is not active.
   */
  abstract current(): object | undefined;

  /** Runs `callback` after the commit of the active transaction; never after a rollback. */
  abstract afterCommit(callback: () => Promise<void>): void;
}
