/** Locks in PostgreSQL: a lease per row, on the server's clock. */
import { type Clock, SystemClock } from '../time/index.js';
import { LockFeatureError } from './lock.errors.js';
import {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockState,
  LockStore,
  type LockStoreListener,
  type ReleaseReply,
  type RenewCommand,
  type StoreCallOptions,
  WAITER_PATIENCE_MS,
} from './lock.store.js';
import { callPostgres, type PostgresLockPool } from './postgres-lock-pool.js';
import { PostgresLockReports } from './postgres-lock-reports.js';

const ACQUIRE = 'SELECT distributed_lock_acquire($1, $2, $3, $4, $5, $6, $7)::text AS reply';
const RENEW = 'SELECT distributed_lock_renew($1, $2, $3)::text AS reply';
const RELEASE = 'SELECT distributed_lock_release($1, $2, $3, $4)::text AS reply';
const QUERY = `SELECT json_build_object(
    'owner', owner,
    'fencingToken', fence,
    'remainingMs', ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000),
    'waiters', (SELECT count(*) FROM distributed_lock_waiter w WHERE w.key = l.key)
  )::text AS reply
  FROM distributed_lock l
  WHERE key = $1 AND owner IS NOT NULL AND expires_at > clock_timestamp()`;

/** What `distributed_lock_acquire` answers. */
interface AcquireRow {
  readonly fence?: number;
  readonly retryMs?: number;
  readonly freed: boolean;
}

/**
 * For applications that have PostgreSQL anyway and want locks to survive its failover as their data
 * do. Needs the tables of `POSTGRES_LOCK_DDL`. Every command is one round trip on a connection of
 * the pool; one more connection listens.
 *
 * @example
 * const pool = new Pool({ connectionString, max: 5, keepAlive: true });
 * DistributedModule.forRoot({ lock: { store: new PostgresLockStore(pool) } })
 */
export class PostgresLockStore extends LockStore {
  #reports: PostgresLockReports | undefined;

  /**
   * @param pool of `pg`, or one like it, with two connections at least; it is not closed
   * @param clock for deadlines only; leases count on the server's clock
   */
  constructor(
    private readonly pool: PostgresLockPool,
    private readonly clock: Clock = new SystemClock(),
  ) {
    super();
  }

  async acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply> {
    const { key, owner, leaseMs, fences, queue, siblings = [], frees } = command;
    if (command.limit !== undefined)
      throw new LockFeatureError('PostgresLockStore', 'semaphores', 'a lock is one row');
    const patienceMs = queue ? WAITER_PATIENCE_MS : 0;
    const values = [key, owner, Math.ceil(leaseMs), fences, patienceMs, frees ?? null, siblings];
    const row = (await this.#call(ACQUIRE, values, options)) as AcquireRow;
    const freed = frees ? { freed: row.freed ? ('deleted' as const) : ('absent' as const) } : {};
    return row.fence === undefined
      ? { acquired: false, retryMs: row.retryMs ?? -1, ...freed }
      : { acquired: true, fencingToken: row.fence, ...freed };
  }

  async renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const values = [
      commands.map(({ key }) => key),
      commands.map(({ owner }) => owner),
      commands.map(({ leaseMs }) => Math.ceil(leaseMs)),
    ];
    try {
      const held = (await this.#call(RENEW, values, options)) as boolean[];
      return held.map((value) => ({ status: 'fulfilled', value }));
    } catch (reason) {
      return commands.map(() => ({ status: 'rejected', reason }));
    }
  }

  async release(
    { key, owner }: LockClaim,
    options: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    const values = [key, owner, Math.ceil(options.keepMs ?? 0), false];
    return (await this.#call(RELEASE, values, options)) === true ? 'deleted' : 'absent';
  }

  async revoke({ key, owner }: LockClaim, options: StoreCallOptions): Promise<ReleaseReply> {
    const held = await this.#call(RELEASE, [key, owner, 0, true], options);
    return held === true ? 'deleted' : 'absent';
  }

  async query(key: string, options: StoreCallOptions): Promise<LockState | null> {
    return (await this.#call(QUERY, [key], options)) as LockState | null;
  }

  async watch(process: string, listener: LockStoreListener): Promise<void> {
    this.#reports?.stop();
    this.#reports = new PostgresLockReports(this.pool, this.clock, process, listener);
    await this.#reports.start();
  }

  async unwatch(): Promise<void> {
    this.#reports?.stop();
    this.#reports = undefined;
  }

  /** Sent once: nothing repeats it underneath, so an answer is about this very call. */
  #call(text: string, values: unknown[], { deadlineMs }: StoreCallOptions): Promise<unknown> {
    return callPostgres(this.pool, this.clock, { text, values, deadlineMs });
  }
}
