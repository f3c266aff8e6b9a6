/** A call that joins the scope around it: it shares its fate. */
import { type RollbackRules, rollsBack } from './rollback-rules.js';
import type { TransactionContext } from './transaction-context.js';
import { IncompatibleTransactionOptionsError } from './transaction.errors.js';
import { isAtLeast } from './isolation.js';
import type { ResolvedTransactionOptions } from './transaction.options.js';
import type { TransactionScope } from './transaction-scope.js';

/** Runs `fn` in `scope`. A throw marks the scope rollback-only, also when the caller catches it. */
export async function joinScope<T>(
  context: TransactionContext,
  scope: TransactionScope,
  rules: RollbackRules,
  fn: () => Promise<T>,
): Promise<T> {
  scope.running += 1;
  try {
    return await context.enter(scope.transaction.dataSource, { scope, joined: true }, fn);
  } catch (error) {
    if (rollsBack(error, rules)) scope.markRollbackOnly(error);
    throw error;
  } finally {
    scope.running -= 1;
  }
}

/**
 * Refuses a call that asks for more than the transaction around it promises. Peers ignore this.
 * @throws IncompatibleTransactionOptionsError `E_TRANSACTION_INCOMPATIBLE`
 */
export function assertCanJoin(
  scope: TransactionScope,
  options: ResolvedTransactionOptions,
  label: string,
): void {
  const { facts } = scope.transaction;
  const { isolation, readOnly } = options;
  if (isolation && !isAtLeast(facts.isolation, isolation)) {
    const problem = `it asks for ${isolation} and that one is ${facts.isolation}`;
    throw new IncompatibleTransactionOptionsError(label, facts.label, problem);
  }
  if (facts.readOnly && !readOnly) {
    const problem = 'that one is read-only and it does not say readOnly: true';
    throw new IncompatibleTransactionOptionsError(label, facts.label, problem);
  }
}
