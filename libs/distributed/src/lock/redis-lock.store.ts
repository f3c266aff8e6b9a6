/** Locks in Redis: one key per lock, one for its fencing token, both in one slot. */
import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  RedisConnection,
  type RedisScript,
  type ReplicatedScripts,
  type Subscription,
} from '../redis/index.js';
import { ConnectionLosses } from './connection-losses.js';
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
import { backendError, withBackendError } from './redis-lock.errors.js';
import {
  type AcquireResult,
  type LockCommand,
  ownerOf,
  RedisLockCommands,
} from './redis-lock-commands.js';
import { RedisLockCheck } from './redis-lock-check.js';
import { ReplicatedLocks } from './replicated-locks.js';

/** Talks to one Redis, standalone, behind Sentinel, or a Cluster. */
@Injectable()
export class RedisLockStore extends LockStore implements OnModuleInit {
  readonly #commands: RedisLockCommands;
  readonly #losses: ConnectionLosses;
  readonly #replicated: ReplicatedLocks | undefined;
  readonly #check: RedisLockCheck;
  #subscription: Subscription | undefined;
  #endObservation: (() => void) | undefined;

  /** @param replicated makes grants and renewals wait for replicas; the other commands never do */
  constructor(
    private readonly redis: RedisConnection,
    replicated?: ReplicatedScripts,
  ) {
    super();
    this.#commands = new RedisLockCommands(redis.keys);
    this.#losses = new ConnectionLosses(redis.client);
    this.#replicated =
      replicated && new ReplicatedLocks(replicated, (...args) => this.release(...args));
    this.#check = new RedisLockCheck(redis, this.#commands.channels, replicated?.replicas);
  }

  /** @throws LockSetupError `E_LOCK_SETUP` */
  async onModuleInit(): Promise<void> {
    await this.#check.atBoot();
  }

  acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply> {
    const lossesBefore = this.#losses.count;
    return this.#ask(command, options).then(([acquired, value, freedNow]) => {
      const freed = command.frees ? this.#releaseReply(freedNow === 1, lossesBefore) : undefined;
      return acquired === 1
        ? { acquired: true, fencingToken: value, ...(freed && { freed }) }
        : { acquired: false, retryMs: value, ...(freed && { freed }) };
    }, rethrow);
  }

  override async acquireAll(
    commands: readonly AcquireCommand[],
    options: StoreCallOptions,
  ): Promise<readonly number[] | null> {
    // In a Cluster each lock has a slot of its own, and a script cannot reach over slots. Where a lock
    // counts only with its replicas, each is waited for by itself.
    if (this.redis.topology === 'cluster' || this.#replicated) return null;
    return await this.#eval(this.#commands.acquireAll(commands), options);
  }

  async renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const calls = commands.map((command) => this.#commands.renew(command));
    if (this.#replicated) return await this.#replicated.renew(calls, options);
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

  release(
    claim: LockClaim,
    options: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const { script, keys, args } = this.#commands.release(claim, options.keepMs ?? 0);
    return this.redis
      .eval(script, keys, args, options)
      .then((held) => this.#releaseReply(held, lossesBefore), rethrow);
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
    this.#check.stop();
  }

  #ask(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireResult> {
    const call = this.#commands.acquire(command);
    return this.#replicated
      ? this.#replicated.acquire(command, call, options)
      : this.redis.eval(call.script, call.keys, call.args, options);
  }

  /** Only a command whose connection was lost is ever sent twice. */
  #releaseReply(held: boolean, lossesBefore: number): ReleaseReply {
    if (held) return 'deleted';
    return this.#losses.count === lossesBefore ? 'absent' : 'unsure';
  }

  #eval<R>({ script, keys, args }: LockCommand<R>, options: StoreCallOptions): Promise<R> {
    return this.redis.eval(script, keys, args, options).catch(rethrow);
  }
}

function rethrow(error: unknown): never {
  throw backendError(error);
}
