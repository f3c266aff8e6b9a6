/** Options of `@Transactional`, of `TransactionService.run` and of the capability. */
import * as v from 'valibot';
import {
  type AdvisoryLockKey,
  advisoryLockSchema,
  type AdvisoryLockSettings,
} from './advisory-lock.options.js';
import { type DataSourceLike, isDataSource } from './data-source-like.js';
import { durationSchema } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';
import { ISOLATION_LEVELS, type IsolationLevel } from './isolation.js';
import { Propagation } from './propagation.js';
import type { ErrorMatcher } from './rollback-rules.js';

/** Options of one transactional method or call. */
export interface TransactionOptions {
  /**
   * Name of the DataSource, or the object. Default: the shard of the context when the application
   * is partitioned and in one, else `'default'`.
   */
  readonly dataSource?: string | DataSourceLike;
  /** How the call relates to a transaction around it. Default `Propagation.REQUIRED`. */
  readonly propagation?: Propagation;
  /**
   * Isolation of a transaction this call opens; joining a weaker one is an error
   * (`E_TRANSACTION_INCOMPATIBLE`). Default: the DataSource's, else the server's.
   */
  readonly isolation?: IsolationLevel;
  /**
   * Opens the transaction READ ONLY: the server refuses writes. A call that does not say so cannot
   * join a read-only transaction; a read-only call joins any. Default `false`.
   */
  readonly readOnly?: boolean;
  /**
   * Time for everything from asking the pool to the answer of COMMIT, for a transaction this call
   * opens; one it joins keeps its own. Default: the capability's `timeout`, `'30s'`.
   */
  readonly timeout?: Duration;
  /**
   * Passes the fences of all locks the call is inside of, before its first statement: a holder that
   * was paused for longer than its lease is refused with `E_LOCK_STALE`. `true`: under no lock the
   * call is refused (`E_TRANSACTION_FENCE`). `'ifLocked'`: under no lock it runs without. A call that
   * joins passes the fences its transaction has not passed yet. Needs the `lock` capability and the
   * table of `fenceTableSql()` in the database. Default: the capability's `fenced`; `false` for a
   * read-only call.
   */
  readonly fenced?: boolean | 'ifLocked';
  /**
   * Takes an advisory lock of PostgreSQL in this transaction, before its first statement: lock and
   * data commit, roll back or die together. Only at `READ COMMITTED`. A call that joins takes it in the
   * transaction around it, until that one ends. Default: none.
   */
  readonly advisoryLock?:
    | AdvisoryLockKey
    | (AdvisoryLockSettings & { readonly key: AdvisoryLockKey });
  /** Errors that leave the work in place: it is committed, then the error is thrown. Default none. */
  readonly noRollbackFor?: readonly ErrorMatcher[];
  /** Exceptions from `noRollbackFor`. Default none. */
  readonly rollbackFor?: readonly ErrorMatcher[];
  /** Name in messages and metrics. Default `Class.method`. */
  readonly label?: string;
}

/** Where a hook failed. */
export interface HookFailure {
  readonly label: string;
  readonly phase: 'afterCommit' | 'afterRollback' | 'afterCompletion' | 'beforeCommit';
}

/** `DistributedModule.forRoot({ transaction })`. */
export interface TransactionModuleOptions {
  /**
   * DataSources by the name decorators use. Those that are providers of the application are found
   * by themselves; list the others here, or give two of one name different ones.
   */
  readonly dataSources?: Readonly<Record<string, DataSourceLike>>;
  /** Default time limit of a transaction. Default `'30s'`. */
  readonly timeout?: Duration;
  /** Default of `fenced` for all transactional calls that may write. Default `false`. */
  readonly fenced?: boolean | 'ifLocked';
  /**
   * The table of the fences, the same for all who write under the same locks: `name` or
   * `schema.name`. Default `'lock_fences'`.
   */
  readonly fenceTable?: string;
  /**
   * Called when a hook fails after the outcome was decided. The failure never changes the result.
   * Default: an error in the log.
   */
  readonly onHookError?: (error: unknown, failure: HookFailure) => void;
}

const timeoutSchema = v.pipe(
  durationSchema,
  v.check((ms) => ms >= 1, 'expected at least 1 ms; a transaction without a limit is not offered'),
);
const dataSourceSchema = v.custom<DataSourceLike>(isDataSource, 'expected a TypeORM DataSource');
const matchersSchema = v.array(
  v.custom<ErrorMatcher>(
    (value) => typeof value === 'function',
    'expected an error class or a function',
  ),
);

const fencedSchema = v.union(
  [v.boolean(), v.literal('ifLocked')],
  "expected true, false or 'ifLocked'",
);

const OPENS: readonly Propagation[] = [
  Propagation.REQUIRED,
  Propagation.REQUIRES_NEW,
  Propagation.NESTED,
];
const INSIDE: readonly Propagation[] = [...OPENS, Propagation.MANDATORY];
const OUTSIDE: readonly Propagation[] = [Propagation.NOT_SUPPORTED, Propagation.NEVER];

/** Schema of `TransactionOptions`; combinations in which an option would do nothing are refused. */
export const transactionOptionsSchema = v.pipe(
  v.strictObject({
    dataSource: v.optional(v.union([v.pipe(v.string(), v.minLength(1)), dataSourceSchema])),
    propagation: v.optional(v.enum(Propagation), Propagation.REQUIRED),
    isolation: v.optional(v.picklist(ISOLATION_LEVELS)),
    readOnly: v.optional(v.boolean(), false),
    timeout: v.optional(timeoutSchema),
    fenced: v.optional(fencedSchema),
    advisoryLock: v.optional(advisoryLockSchema),
    noRollbackFor: v.optional(matchersSchema, []),
    rollbackFor: v.optional(matchersSchema, []),
    label: v.optional(v.pipe(v.string(), v.minLength(1))),
  }),
  v.check(
    (o) => o.rollbackFor.length === 0 || o.noRollbackFor.length > 0,
    'rollbackFor only makes exceptions from noRollbackFor; without that every error rolls back already',
  ),
  v.check(
    (o) => o.timeout === undefined || OPENS.includes(o.propagation),
    'timeout belongs to a transaction this call opens, and with this propagation it never opens one',
  ),
  v.check(
    (o) => !o.fenced || !o.readOnly,
    'fenced cannot be read-only: the fence is a row that is written',
  ),
  v.check(
    (o) => !o.fenced || INSIDE.includes(o.propagation),
    'fenced needs a transaction, and with this propagation there may be none',
  ),
  v.check(
    (o) => !o.advisoryLock || INSIDE.includes(o.propagation),
    'advisoryLock needs a transaction, and with this propagation there may be none',
  ),
  v.check(
    (o) => !o.advisoryLock || (o.isolation ?? 'READ COMMITTED') === 'READ COMMITTED',
    "advisoryLock needs isolation 'READ COMMITTED': a snapshot taken before the wait does not show what the holder before committed",
  ),
  v.check(
    (o) =>
      !OUTSIDE.includes(o.propagation) ||
      (!o.isolation && !o.readOnly && o.noRollbackFor.length === 0),
    'isolation, readOnly and noRollbackFor mean nothing outside of a transaction',
  ),
);

/** Options with defaults; `timeout` in milliseconds, undefined for the capability's. */
export type ResolvedTransactionOptions = v.InferOutput<typeof transactionOptionsSchema>;

/** Schema of `TransactionModuleOptions`. */
export const moduleOptionsSchema = v.strictObject({
  dataSources: v.optional(v.record(v.string(), dataSourceSchema), {}),
  timeout: v.optional(timeoutSchema, '30s'),
  fenced: v.optional(fencedSchema, false),
  fenceTable: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        /^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/,
        "expected a plain name such as 'lock_fences' or 'app.lock_fences'",
      ),
    ),
  ),
  onHookError: v.optional(
    v.custom<NonNullable<TransactionModuleOptions['onHookError']>>(
      (value) => typeof value === 'function',
      'expected a function',
    ),
  ),
});

/** Capability options with defaults; `timeout` in milliseconds. */
export type ResolvedModuleOptions = v.InferOutput<typeof moduleOptionsSchema>;
