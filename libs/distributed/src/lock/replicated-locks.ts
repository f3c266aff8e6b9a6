/** Locks that survive a failover: a grant or a renewal counts when enough replicas have it. */
import type { Replicated, ReplicatedScripts } from '../redis/index.js';
import { LockBackendError } from './lock.errors.js';
import type { LockClaim, ReleaseReply, StoreCallOptions } from './lock.store.js';
import { backendError } from './redis-lock.errors.js';
import type { AcquireResult, LockCommand } from './redis-lock-commands.js';

/** Gives up a claim, by comparing its token. */
export type UndoGrant = (claim: LockClaim, options: StoreCallOptions) => Promise<ReleaseReply>;

/** The part of the Redis store that `durability` changes. */
export class ReplicatedLocks {
  constructor(
    private readonly scripts: ReplicatedScripts,
    private readonly undo: UndoGrant,
  ) {}

  /** A grant that too few replicas have is taken back: one of the others may become the master. */
  async acquire(
    claim: LockClaim,
    command: LockCommand<AcquireResult>,
    options: StoreCallOptions,
  ): Promise<AcquireResult> {
    const reply = await this.#eval(command, options);
    const [acquired] = reply.value;
    if (acquired !== 1 || reply.replicas >= this.scripts.replicas) return reply.value;
    const undone = await this.undo(claim, options).catch(() => undefined);
    throw this.#short(reply, undone === 'deleted' ? 'no' : 'unknown');
  }

  /**
   * A renewal that too few replicas have has failed: on one of the others the lease would end earlier
   * than its holder believes. It stays in the store, where it only keeps the lock longer.
   */
  async renew(
    commands: readonly LockCommand<boolean>[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    return await Promise.allSettled(
      commands.map(async (command) => {
        const reply = await this.#eval(command, options);
        if (reply.value && reply.replicas < this.scripts.replicas)
          throw this.#short(reply, 'unknown');
        return reply.value;
      }),
    );
  }

  async #eval<R>(
    { script, keys, args }: LockCommand<R>,
    options: StoreCallOptions,
  ): Promise<Replicated<R>> {
    try {
      return await this.scripts.eval(script, { keys, args }, options);
    } catch (error) {
      throw backendError(error);
    }
  }

  #short({ replicas, failure }: Replicated<unknown>, executed: 'no' | 'unknown'): LockBackendError {
    const { replicas: required, timeoutMs } = this.scripts;
    const why = failure instanceof Error ? ` (${failure.message})` : '';
    return new LockBackendError(
      `${replicas} of ${required} replicas confirmed the lock within ${timeoutMs} ms${why}`,
      { executed, cause: failure, replicas: { confirmed: replicas, required } },
    );
  }
}
