/**
 * What TypeORM sees as the query runner inside a transaction: the real one behind the fence and the
 * queue of a scope. Everything TypeORM does reaches the database through `query` of this object.
 */
import { runInSavepoint } from './savepoint.js';
import type { TransactionContext } from './transaction-context.js';
import {
  IncompatibleTransactionOptionsError,
  TransactionUnsupportedError,
} from './transaction.errors.js';
import { isAtLeast, isolationLevel } from './isolation.js';
import type { TransactionScope } from './transaction-scope.js';
import type { Manager, ManagerWork, Runner, SubscriberBroadcaster } from './typeorm-surface.js';

/** Statements that would end the transaction behind the library's back. */
const CONTROL =
  /^\s*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b/i;

/** The runner of a scope; made once per scope, at first use. */
export function facadeOf(scope: TransactionScope, context: TransactionContext): Runner {
  scope.facade ??= createFacade(scope, context);
  return scope.facade;
}

/** `manager.transaction(...)` inside a managed transaction: a savepoint of the current scope. */
export async function nestedTransaction(
  scope: TransactionScope,
  context: TransactionContext,
  [isolationOrWork, work]: readonly unknown[],
): Promise<unknown> {
  const run = (typeof isolationOrWork === 'function' ? isolationOrWork : work) as ManagerWork;
  const { facts, dataSource } = scope.transaction;
  const label = `${scope.label} › manager.transaction`;
  if (
    typeof isolationOrWork === 'string' &&
    !isAtLeast(facts.isolation, isolationLevel(isolationOrWork))
  )
    throw new IncompatibleTransactionOptionsError(
      label,
      facts.label,
      `it asks for ${isolationOrWork} and that one is ${facts.isolation}`,
    );
  return runInSavepoint(context, scope, { label, rollbackFor: [], noRollbackFor: [] }, async () => {
    const inner = context.frame(dataSource)?.scope ?? scope;
    return run(facadeOf(inner, context).manager);
  });
}

function createFacade(scope: TransactionScope, context: TransactionContext): Runner {
  const { dataSource, connection } = scope.transaction;
  const real = connection.runner;
  /** A handle of an outer scope used inside a savepoint works in the savepoint. */
  const target = (): TransactionScope => {
    const current = context.frame(dataSource)?.scope;
    return current?.isWithin(scope) ? current : scope;
  };
  const refuse = (what: string, instead: string) => (): Promise<never> =>
    Promise.reject(new TransactionUnsupportedError(what, instead));
  const ending = 'return or throw from the method, or call setRollbackOnly()';
  let manager: Manager | undefined;
  let broadcaster: SubscriberBroadcaster | undefined;

  // An heir of the real runner: TypeORM's helpers on it (getTable, clearTable, …) call `this.query`.
  return Object.defineProperties(Object.create(real) as Runner, {
    query: {
      value: (sql: string, parameters?: unknown, structured?: boolean): Promise<unknown> =>
        CONTROL.test(sql)
          ? refuse(`'${sql.trim().split(/\s/)[0]}' by hand`, ending)()
          : target().submit(() => real.query(sql, parameters, structured)),
    },
    isTransactionActive: { value: true },
    // Lazy relations of an entity that outlives its transaction look here and then start afresh;
    // code still in the scope must run into the fence instead.
    isReleased: {
      get: () => !target().isOpen && context.frame(dataSource)?.scope !== scope,
    },
    manager: {
      get: () => (manager ??= createManager()),
      set: (value: Manager) => {
        manager = value;
      },
    },
    broadcaster: { get: () => (broadcaster ??= createBroadcaster()) },
    release: { value: () => Promise.resolve() },
    [Symbol.asyncDispose]: { value: () => Promise.resolve() },
    connect: { value: refuse('connect()', 'use query(), or dataSource.createQueryRunner()') },
    stream: {
      value: refuse(
        'stream()',
        'read in pages, or use dataSource.createQueryRunner() outside of it',
      ),
    },
    startTransaction: {
      value: refuse('startTransaction()', 'use manager.transaction() or Propagation.NESTED'),
    },
    commitTransaction: { value: refuse('commitTransaction()', ending) },
    rollbackTransaction: { value: refuse('rollbackTransaction()', ending) },
  });

  function createManager(): Manager {
    const facade = facadeOf(scope, context);
    const created = dataSource.createEntityManager(facade);
    Object.defineProperty(created, 'transaction', {
      value: (...args: unknown[]) => nestedTransaction(target(), context, args),
    });
    return created;
  }

  function createBroadcaster(): SubscriberBroadcaster {
    // Entity subscribers get `event.queryRunner` and `event.manager` from it: they must join too.
    const Broadcaster = real.broadcaster.constructor as new (
      runner: Runner,
    ) => SubscriberBroadcaster;
    return new Broadcaster(facadeOf(scope, context));
  }
}
