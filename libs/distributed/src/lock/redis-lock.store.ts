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

  override async acquireAll(
    commands: readonly AcquireCommand[],
    options: StoreCallOptions,
  ): Promise<readonly number[] | null> {
    // In a Cluster each lock has a slot of its own, and a script cannot reach over slots.
    if (this.redis.topology === 'cluster') return null;
    return await this.#eval(this.#commands.acquireAll(commands), options);
  }

  async renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const calls = commands.map((command) => this.#commands.renew(command));
    const results: PromiseSettledResult<boolean>[] = [];
    const renewWith = async (script: RedisScript<boolean>): Promise<void> => {
      const indexes = [...calls.keys()].filter((index) => calls[index]?.script === script);
      const batch = calls.filter((call) => call.script === script);
      const settled = await this.redis.evalAll(script, batch, options);
      for (const [position, result] of settled.entries())
        results[indexes[position] as number] = withBackendError(result);
    };
    await Promise.all([...new Set(calls.map(({ script }) => script))].map(renewWith));
    return results;
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

function withBackendError<R>(result: PromiseSettledResult<R>): PromiseSettledResult<R> {
  if (result.status === 'fulfilled') return result;
  return { status: 'rejected', reason: backendError(result.reason) };
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
