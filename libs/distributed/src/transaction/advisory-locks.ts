/** Takes advisory locks in a running transaction: lock and data end together. */
import {
  type AdvisoryLockMode,
  advisoryLockRequest,
  type AdvisoryLockRequest,
} from './advisory-lock.options.js';
import {
  AdvisoryLockDeadlockError,
  AdvisoryLockHeldError,
  AdvisoryLockIsolationError,
  AdvisoryLockSelfDeadlockError,
  AdvisoryLockTimeoutError,
  AdvisoryLockUnsupportedError,
  AdvisoryLockUpgradeError,
} from './advisory-lock.errors.js';
import { PROVE_LOCKED, tryLock, undoLock, waitForLock } from './advisory-lock-sql.js';
import type { DataSourceLike } from './data-source-like.js';
import { type IsolationLevel, isolationLevel } from './isolation.js';
import type { TransactionConnection } from './transaction-connection.js';
import type { TransactionContext } from './transaction-context.js';
import { sqlStateOf, TransactionRequiredError } from './transaction.errors.js';
import { transactionEvents } from './transaction.events.js';
import type { ResolvedTransactionOptions } from './transaction.options.js';
import type { OpenTransaction, TransactionScope } from './transaction-scope.js';
import type { CommandAnswer } from './typeorm-surface.js';

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
const UNDEFINED_FUNCTION = '42883';
const FEATURE_NOT_SUPPORTED = '0A000';

/** Who asks. */
interface Asking {
  readonly label: string;
  /** Whether the body of the caller has begun. */
  readonly executed: 'no' | 'unknown';
}

export class AdvisoryLocks {
  /** DataSources whose server is known to lock. */
  readonly #proven = new WeakSet<object>();

  /**
   * `fn` behind the lock that the options ask for, so before everything else in its transaction.
   * @throws InvalidKeyError `E_KEY_INVALID`, before the transaction begins
   */
  around<T>(
    { context, dataSource }: { context: TransactionContext; dataSource: DataSourceLike },
    options: ResolvedTransactionOptions,
    { label, args }: { label: string; args: readonly unknown[] },
    fn: () => Promise<T>,
  ): () => Promise<T | undefined> {
    if (!options.advisoryLock) return fn;
    const request = advisoryLockRequest(options.advisoryLock, args, `advisory lock of ${label}`);
    return async () => {
      const scope = context.frame(dataSource)?.scope;
      if (!scope) throw new TransactionRequiredError(`The advisory lock of ${label}`);
      const taken = await this.take(context, scope, request, { label, executed: 'no' });
      return taken ? fn() : undefined;
    };
  }

  /**
   * Takes the lock until the scope's transaction ends, or its savepoint is rolled back. False: it is
   * held elsewhere and `ifLocked` is `'skip'`. A failure leaves the transaction usable.
   * @throws AdvisoryLockTimeoutError, AdvisoryLockHeldError, AdvisoryLockDeadlockError,
   *   AdvisoryLockSelfDeadlockError, AdvisoryLockUpgradeError, AdvisoryLockIsolationError,
   *   AdvisoryLockUnsupportedError
   */
  async take(
    context: TransactionContext,
    scope: TransactionScope,
    request: AdvisoryLockRequest,
    { label, executed }: Asking,
  ): Promise<boolean> {
    const { deadline, facts } = scope.transaction;
    assertFresh(facts.isolation, label);
    if (request.waitMs > 0) assertMayWait(context, scope, request, label);
    const begunMs = deadline.elapsedMs;
    const locked = await scope.submit(() => this.#ask(scope, request, label));
    transactionEvents.emit('advisoryLock', () => ({
      label,
      dataSource: facts.dataSourceName,
      outcome: locked ? 'GRANTED' : 'REFUSED',
      waitedMs: deadline.elapsedMs - begunMs,
    }));
    if (locked) return true;
    if (request.ifLocked === 'skip') return false;
    throw request.ifLocked === 'throw'
      ? new AdvisoryLockHeldError(label, request.keys, executed)
      : new AdvisoryLockTimeoutError(label, request.keys, request.waitMs, executed);
  }

  /** One message; a second one only to undo a wait that failed. */
  async #ask(
    scope: TransactionScope,
    request: AdvisoryLockRequest,
    label: string,
  ): Promise<boolean> {
    const { keys, mode, waitMs } = request;
    const { connection, dataSource, facts, advisoryLocks } = scope.transaction;
    const proven = this.#proven.has(dataSource);
    const [first, ...others] = keys;
    // Several are all or none, which takes the savepoint: what one of them got must go back.
    const atOnce = waitMs === 0 && others.length === 0;
    const statements = atOnce ? [tryLock(first, mode)] : waitForLock(request);
    let answers: readonly CommandAnswer[];
    try {
      answers = await connection.sendAll(proven ? statements : [...statements, PROVE_LOCKED]);
    } catch (error) {
      return await undone(connection, error, { label, keys, dataSource: facts.dataSourceName });
    }
    if (atOnce && !isTrue(answers[0])) return false;
    if (!proven && !isTrue(answers.at(-1)))
      throw new AdvisoryLockUnsupportedError(facts.dataSourceName, 'its server locks nothing');
    this.#proven.add(dataSource);
    const isolation = answers.flatMap((each) => each.rows ?? []).find((row) => row['isolation']);
    assertFresh(isolationLevel(String(isolation?.['isolation'])), label);
    advisoryLocks.add(keys, mode, scope);
    return true;
  }
}

/** Refuses a transaction whose snapshot is older than the lock. */
function assertFresh(isolation: IsolationLevel, label: string): void {
  if (isolation !== 'READ COMMITTED') throw new AdvisoryLockIsolationError(label, isolation);
}

/** Refuses to wait for what only ends after this call. */
function assertMayWait(
  context: TransactionContext,
  { transaction }: TransactionScope,
  { keys, mode }: AdvisoryLockRequest,
  label: string,
): void {
  for (const key of keys) {
    if (mode === 'exclusive' && transaction.advisoryLocks.modeOf(key) === 'shared')
      throw new AdvisoryLockUpgradeError(label, key);
    const outer = context.enclosing().find((each) => blocks(each.transaction, key, mode));
    if (outer) throw new AdvisoryLockSelfDeadlockError(label, key, outer.label);
  }

  function blocks(outer: OpenTransaction, key: string, wanted: AdvisoryLockMode): boolean {
    if (outer === transaction || outer.ended || outer.dataSource !== transaction.dataSource)
      return false;
    const held = outer.advisoryLocks.modeOf(key);
    return held !== undefined && (held === 'exclusive' || wanted === 'exclusive');
  }
}

/** False: the wait was over. The transaction is as it was before. */
async function undone(
  connection: TransactionConnection,
  error: unknown,
  { label, keys, dataSource }: { label: string; keys: readonly string[]; dataSource: string },
): Promise<false> {
  const sqlstate = sqlStateOf(error);
  if (sqlstate === UNDEFINED_FUNCTION || sqlstate === FEATURE_NOT_SUPPORTED)
    throw new AdvisoryLockUnsupportedError(dataSource, 'its server refused', error);
  if (sqlstate !== LOCK_NOT_AVAILABLE && sqlstate !== DEADLOCK_DETECTED) throw error;
  await connection.sendAll(undoLock());
  if (sqlstate === DEADLOCK_DETECTED) throw new AdvisoryLockDeadlockError(label, keys, error);
  return false;
}

function isTrue(answer: CommandAnswer | undefined): boolean {
  return answer?.rows?.[0]?.['locked'] === true;
}
