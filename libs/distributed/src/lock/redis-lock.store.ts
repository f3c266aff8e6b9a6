/** Locks in Redis: one key per lock, one for its fencing token, both in one slot. */
import { Injectable } from '@nestjs/common';
import {
  RedisConnection,
  RedisDeadlineError,
  type RedisScript,
  RedisUnavailableError,
  type Subscription,
} from '../redis/index.js';
import { ConnectionLosses } from './connection-losses.js';
import { LockBackendError } from './lock.errors.js';
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
} from './lock.store.js';
import { type LockCommand, ownerOf, RedisLockCommands } from './redis-lock-commands.js';

/** Talks to one Redis, standalone, behind Sentinel, or a Cluster. */
@Injectable()
export class RedisLockStore extends LockStore {
  readonly #commands: RedisLockCommands;
  readonly #losses: ConnectionLosses;
  #subscription: Subscription | undefined;
  #endObservation: (() => void) | undefined;

  constructor(private readonly redis: RedisConnection) {
    super();
    this.#commands = new RedisLockCommands(redis.keys);
    this.#losses = new ConnectionLosses(redis.client);
  }

  async acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply> {
    const lossesBefore = this.#losses.count;
    const [acquired, value, freedNow] = await this.#eval(this.#commands.acquire(command), options);
    const freed = command.frees ? this.#releaseReply(freedNow === 1, lossesBefore) : undefined;
    return acquired === 1
      ? { acquired: true, fencingToken: value, ...(freed && { freed }) }
      : { acquired: false, retryMs: value, ...(freed && { freed }) };
  }

  async renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const batches = new Map<RedisScript<boolean>, RenewCommand[]>();
    for (const command of commands) {
      const { script } = this.#commands.renew(command);
      const batch = batches.get(script);
      if (batch) batch.push(command);
      else batches.set(script, [command]);
    }
    const results = new Map<RenewCommand, PromiseSettledResult<boolean>>();
    await Promise.all(
      [...batches].map(async ([script, batch]) => {
        const settled = await this.#renewBatch(script, batch, options);
        for (const [index, command] of batch.entries())
          results.set(command, settled[index] as PromiseSettledResult<boolean>);
      }),
    );
    return commands.map((command) => results.get(command) as PromiseSettledResult<boolean>);
  }

  async release(
    claim: LockClaim,
    options: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const held = await this.#eval(this.#commands.release(claim, options.keepMs ?? 0), options);
    return this.#releaseReply(held, lossesBefore);
  }

  async revoke(claim: LockClaim, options: StoreCallOptions): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const held = await this.#eval(this.#commands.revoke(claim), options);
    return this.#releaseReply(held, lossesBefore);
  }

  async query(key: string, options: StoreCallOptions): Promise<LockState | null> {
    return await this.#eval(this.#commands.query(key), options);
  }

  async watch(process: string, listener: LockStoreListener): Promise<void> {
    this.#endObservation ??= this.redis.onSubscriberChange((state) => {
      if (state === 'up') listener.resync();
    });
    this.#subscription = await this.redis.subscribe(
      this.#commands.channels + process,
      (message) => {
        const [what, token = ''] = message.split(' ');
        const owner = ownerOf(token);
        if (what === 'revoked') listener.revoked(owner);
        else listener.turn(owner);
      },
    );
  }

  async unwatch(): Promise<void> {
    this.#endObservation?.();
    this.#endObservation = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#losses.stop();
  }

  /** Only a command whose connection was lost is ever sent twice. */
  #releaseReply(held: boolean, lossesBefore: number): ReleaseReply {
    if (held) return 'deleted';
    return this.#losses.count === lossesBefore ? 'absent' : 'unsure';
  }

  async #renewBatch(
    script: RedisScript<boolean>,
    commands: readonly RenewCommand[],
    { deadlineMs }: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const calls = commands.map((command) => this.#commands.renew(command));
    const results = await this.redis.evalAll(script, calls, { deadlineMs });
    return results.map((result) =>
      result.status === 'fulfilled'
        ? result
        : { status: 'rejected', reason: backendError(result.reason) },
    );
  }

  async #eval<R>(
    { script, keys, args }: LockCommand<R>,
    { deadlineMs }: StoreCallOptions,
  ): Promise<R> {
    try {
      return await this.redis.eval(script, keys, args, { deadlineMs });
    } catch (error) {
      throw backendError(error);
    }
  }
}

function backendError(error: unknown): LockBackendError {
  // A script that failed may have failed half-way.
  const executed =
    error instanceof RedisDeadlineError || error instanceof RedisUnavailableError
      ? error.executed
      : 'unknown';
  const problem = error instanceof Error ? error.message : String(error);
  return new LockBackendError(problem, { executed, cause: error });
}
