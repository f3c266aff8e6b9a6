/** Injection tokens inside the transaction capability. */

/** The validated `ResolvedModuleOptions`. */
export const TRANSACTION_OPTIONS = Symbol('nestjs-distributed:transaction:options');
