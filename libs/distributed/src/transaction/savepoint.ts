/** A savepoint inside a transaction: its work is undone alone when it fails. */
import { ended } from './local-transaction.js';
import { type RollbackRules, rollsBack } from './rollback-rules.js';
import type { TransactionContext } from './transaction-context.js';
import { UnexpectedRollbackError } from './transaction.errors.js';
import { transactionEvents } from './transaction.events.js';
import { TransactionScope } from './transaction-scope.js';

/** Runs `fn` in a savepoint of `parent`. Siblings wait for each other. */
export async function runInSavepoint<T>(
  context: TransactionContext,
  parent: TransactionScope,
  options: RollbackRules & { readonly label: string },
  fn: () => Promise<T>,
): Promise<T> {
  const { transaction } = parent;
  const savepoint = transaction.nextSavepoint();
  const scope = new TransactionScope(transaction, { label: options.label, parent, savepoint });
  parent.running += 1;
  try {
    await parent.submit(async () => {
      await transaction.connection.send(`SAVEPOINT ${savepoint}`);
      if (parent.isOpen) transaction.queue.handOver(parent, scope);
    });
    const body = await ended(context.enter(transaction.dataSource, { scope, joined: false }, fn));
    if (!body.ok && rollsBack(body.error, options)) {
      await rollBack(scope, parent, body.error);
      throw body.error;
    }
    if (await keep(scope, parent)) release(scope, parent);
    if (!body.ok) throw body.error;
    return body.value;
  } finally {
    parent.running -= 1;
  }
}

/** False: the method itself asked for a rollback, which is done. */
async function keep(scope: TransactionScope, parent: TransactionScope): Promise<boolean> {
  let cause: unknown;
  try {
    if (await scope.finish()) {
      await scope.end(() => releaseSavepoint(scope));
      return true;
    }
  } catch (error) {
    cause = error;
  }
  await rollBack(scope, parent, cause);
  if (cause === undefined) return false;
  throw cause;
}

async function releaseSavepoint(scope: TransactionScope): Promise<void> {
  try {
    await scope.transaction.connection.send(`RELEASE SAVEPOINT ${scope.savepoint}`);
  } catch (error) {
    throw new UnexpectedRollbackError(scope.label, error);
  }
}

function release(scope: TransactionScope, parent: TransactionScope): void {
  parent.hooks.absorb(scope.hooks);
  announce(scope, 'RELEASED');
}

/** Never throws: what made it roll back is the result. */
async function rollBack(
  scope: TransactionScope,
  parent: TransactionScope,
  cause: unknown,
): Promise<void> {
  const { connection } = scope.transaction;
  const name = scope.savepoint;
  try {
    await scope.abort(async () => {
      await connection.send(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
      connection.forgetStatementLimit();
      scope.transaction.advisoryLocks.forget(scope);
    });
  } catch (error) {
    // What the savepoint did cannot be undone alone, so nothing of the transaction may stay.
    parent.markRollbackOnly(error);
  }
  parent.hooks.absorbRolledBack(scope.hooks, cause);
  announce(scope, 'ROLLED_BACK');
}

function announce(scope: TransactionScope, outcome: 'RELEASED' | 'ROLLED_BACK'): void {
  const { label } = scope;
  const dataSource = scope.transaction.facts.dataSourceName;
  transactionEvents.emit('savepoint', () => ({ label, dataSource, outcome }));
}
