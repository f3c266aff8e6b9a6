/** Errors of the transaction capability. `cause` keeps the original; `details.sqlstate` its code. */
import { DistributedError } from '../distributed.errors.js';

/** The five characters PostgreSQL puts on every error it sends, also through TypeORM's wrapper. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  return driverError === undefined ? undefined : sqlStateOf(driverError);
}

function facts(label: string, cause?: unknown): Record<string, unknown> {
  const sqlstate = sqlStateOf(cause);
  return sqlstate === undefined ? { label } : { label, sqlstate };
}

/** `E_TRANSACTION_REQUIRED`: `MANDATORY`, a hook or `setRollbackOnly` outside a transaction. */
export class TransactionRequiredError extends DistributedError {
  constructor(what: string) {
    super(
      'E_TRANSACTION_REQUIRED',
      `${what} needs a transaction and there is none here. Call it from a @Transactional() method or inside TransactionService.run().`,
    );
  }
}

/** `E_TRANSACTION_NOT_ALLOWED`: `NEVER` inside a transaction. Nothing was run. */
export class TransactionNotAllowedError extends DistributedError {
  constructor(label: string) {
    super(
      'E_TRANSACTION_NOT_ALLOWED',
      `${label} must not run inside a transaction (Propagation.NEVER) and was not run.`,
      { details: { label } },
    );
  }
}

/** `E_TRANSACTION_CLOSED`: work came after the transaction, or the savepoint, it belongs to had ended. */
export class TransactionClosedError extends DistributedError {
  constructor(label: string) {
    super(
      'E_TRANSACTION_CLOSED',
      `The transaction of ${label} has ended, and this work was started inside it: it was not run. ` +
        'Await it before the method returns, or detach it: ' +
        'run(fn, { propagation: Propagation.NOT_SUPPORTED }) or Propagation.REQUIRES_NEW.',
      { details: { label } },
    );
  }
}

/** `E_TRANSACTION_UNEXPECTED_ROLLBACK`: the method returned, but its work was rolled back; `cause` says why. */
export class UnexpectedRollbackError extends DistributedError {
  constructor(label: string, cause: unknown) {
    super(
      'E_TRANSACTION_UNEXPECTED_ROLLBACK',
      `The work of ${label} was rolled back although it returned: something inside it failed and was caught (see cause). ` +
        'Let the error through, or run the part that may fail with Propagation.NESTED.',
      { cause, details: facts(label, cause) },
    );
  }
}

/** `E_TRANSACTION_UNAWAITED`: the method returned while work of its transaction was going on. Rolled back. */
export class UnawaitedScopeError extends DistributedError {
  constructor(label: string) {
    super(
      'E_TRANSACTION_UNAWAITED',
      `${label} returned while work of its transaction was still going on, so everything was rolled back. Await every call it makes.`,
      { details: { label } },
    );
  }
}

/** `E_TRANSACTION_INCOMPATIBLE`: a call cannot join with the options it asks for. Nothing was run. */
export class IncompatibleTransactionOptionsError extends DistributedError {
  constructor(label: string, outer: string, problem: string) {
    super(
      'E_TRANSACTION_INCOMPATIBLE',
      `${label} cannot join the transaction of ${outer}: ${problem}. Give the outer one what the inner one needs, or use Propagation.REQUIRES_NEW.`,
      { details: { label, outer } },
    );
  }
}

/** `E_TRANSACTION_TIMEOUT`: the transaction took longer than its timeout. Nothing was stored. */
export class TransactionTimeoutError extends DistributedError {
  constructor(label: string, timeoutMs: number, what: string, options: { cause?: unknown } = {}) {
    super(
      'E_TRANSACTION_TIMEOUT',
      `The transaction of ${label} did not end within ${timeoutMs} ms (${what}) and nothing was stored. Do less in it, or raise \`timeout\`.`,
      { ...options, details: { ...facts(label, options.cause), timeoutMs } },
    );
  }
}

/** `E_TRANSACTION_CONNECTION_LOST`: the connection broke before COMMIT was sent. Nothing was stored. */
export class TransactionConnectionLostError extends DistributedError {
  constructor(label: string, cause: unknown) {
    super(
      'E_TRANSACTION_CONNECTION_LOST',
      `The connection of ${label} broke before COMMIT was sent, so nothing was stored (see cause).`,
      { cause, retryable: true, details: facts(label, cause) },
    );
  }
}

/** `E_TRANSACTION_COMMIT_FAILED`: the server refused COMMIT, e.g. a deferred constraint. Nothing was stored. */
export class CommitFailedError extends DistributedError {
  constructor(label: string, cause: unknown) {
    const sqlstate = sqlStateOf(cause);
    super(
      'E_TRANSACTION_COMMIT_FAILED',
      `PostgreSQL refused to commit ${label} and rolled it back: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        // Serialization failure and deadlock: the same call may well succeed.
        retryable: sqlstate === '40001' || sqlstate === '40P01',
        details: facts(label, cause),
      },
    );
  }
}

/** `E_TRANSACTION_OUTCOME_UNKNOWN`: COMMIT was sent and its answer never came. Never retried by itself. */
export class CommitOutcomeUnknownError extends DistributedError {
  constructor(label: string, cause: unknown) {
    super(
      'E_TRANSACTION_OUTCOME_UNKNOWN',
      `COMMIT of ${label} was sent but its answer never came: the work may be stored or not. ` +
        'Look before repeating it, e.g. by a unique key of the operation.',
      { cause, details: facts(label, cause) },
    );
  }
}

/** `E_TRANSACTION_FENCE`: a call asks for a fence (`fenced`) that it cannot have. Nothing was run. */
export class TransactionFenceError extends DistributedError {
  /** The body did not run. */
  readonly executed = 'no';

  constructor(label: string, problem: string) {
    super('E_TRANSACTION_FENCE', `${label} asks for a fence (fenced), but ${problem}.`, {
      details: { label },
    });
  }
}

/** `E_TRANSACTION_UNSUPPORTED`: something that would break the transaction's promises. Nothing was run. */
export class TransactionUnsupportedError extends DistributedError {
  constructor(what: string, instead: string) {
    super(
      'E_TRANSACTION_UNSUPPORTED',
      `${what} is not possible inside a managed transaction: ${instead}.`,
    );
  }
}

/** `E_TRANSACTION_DATA_SOURCE`: no usable DataSource of that name. */
export class UnknownDataSourceError extends DistributedError {
  constructor(where: string, name: string, known: readonly string[]) {
    super(
      'E_TRANSACTION_DATA_SOURCE',
      `${where} needs a PostgreSQL DataSource named '${name}'; known: ${known.length > 0 ? known.map((each) => `'${each}'`).join(', ') : 'none'}. ` +
        'Make it a provider (TypeOrmModule.forRoot), or give it in `transaction: { dataSources: { … } }`.',
      { details: { name } },
    );
  }
}

/** `E_TRANSACTION_JOIN_BROKEN`: this version of TypeORM does not join as it must. Nothing may run. */
export class JoiningBrokenError extends DistributedError {
  constructor(name: string, problem: string) {
    super(
      'E_TRANSACTION_JOIN_BROKEN',
      `DataSource '${name}' cannot be made transactional: ${problem}. Check the TypeORM version (^0.3.20 || ^1) and other libraries that change the DataSource.`,
      { details: { name } },
    );
  }
}
