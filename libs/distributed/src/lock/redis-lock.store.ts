/** Locks in Redis: one key per lock, one for its fencing token, both in one slot. */
import { Injectable } from '@nestjs/common';
import {
  defineScript,
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

/** Fencing tokens of forgotten keys continue from the server's clock, so no key has to stay. */
const FENCE_TTL_MS = 24 * 3_600_000;
/** A waiter that has not asked for so long is dead: two of its polls, and some time to spare. */
const PATIENCE_MS = 3_000;

const file = (name: string): URL => new URL(`./scripts/${name}.lua`, import.meta.url);
const prelude = file('queue');

/** The Lua side of the store. */
export const lockScripts = {
  acquire: defineScript({
    url: file('acquire'),
    prelude,
    keys: 4,
    parse: (reply) => reply as [acquired: number, value: number, freed: number],
  }),
  renew: defineScript({ url: file('renew'), keys: 1, parse: (reply) => reply === 1 }),
  release: defineScript({ url: file('release'), prelude, keys: 3, parse: (reply) => reply === 1 }),
  revoke: defineScript({ url: file('revoke'), prelude, keys: 3, parse: (reply) => reply === 1 }),
  query: defineScript({
    url: file('query'),
    keys: 3,
    parse: (reply): LockState | null => {
      if (!reply) return null;
      const [owner, remainingMs, fencingToken, waiters] = reply as [string, number, number, number];
      return { owner, remainingMs, fencingToken, waiters };
    },
  }),
};

/** What one command is called with. */
interface Command {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** Talks to one Redis, standalone, behind Sentinel, or a Cluster. */
@Injectable()
export class RedisLockStore extends LockStore {
  readonly #channels: string;
  readonly #losses: ConnectionLosses;
  #subscription: Subscription | undefined;
  #endObservation: (() => void) | undefined;

  constructor(private readonly redis: RedisConnection) {
    super();
    this.#channels = redis.keys.channel('lock', 'process:');
    this.#losses = new ConnectionLosses(redis.client);
  }

  async acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply> {
    const { key, owner, leaseMs, fences, queue, siblings = [], frees = '' } = command;
    const { lock, fence, waiters, places } = this.#keysOf(key);
    const lossesBefore = this.#losses.count;
    const [acquired, value, freedNow] = await this.#eval(
      lockScripts.acquire,
      {
        keys: [lock, fence, waiters, places],
        args: [
          owner,
          Math.ceil(leaseMs),
          fences,
          FENCE_TTL_MS,
          frees,
          queue ? PATIENCE_MS : 0,
          this.#channels,
          ...siblings,
        ],
      },
      options,
    );
    const freed = frees ? this.#releaseReply(freedNow === 1, lossesBefore) : undefined;
    return acquired === 1
      ? { acquired: true, fencingToken: value, ...(freed && { freed }) }
      : { acquired: false, retryMs: value, ...(freed && { freed }) };
  }

  async renew(
    commands: readonly RenewCommand[],
    { deadlineMs }: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const calls = commands.map(({ key, owner, leaseMs }) => ({
      keys: [this.redis.keys.key('lock', key)],
      args: [owner, Math.ceil(leaseMs)],
    }));
    const results = await this.redis.evalAll(lockScripts.renew, calls, { deadlineMs });
    return results.map((result) =>
      result.status === 'fulfilled'
        ? result
        : { status: 'rejected', reason: backendError(result.reason) },
    );
  }

  async release(
    { key, owner }: LockClaim,
    { deadlineMs, keepMs = 0 }: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const { lock, waiters, places } = this.#keysOf(key);
    const command = {
      keys: [lock, waiters, places],
      args: [owner, this.#channels, Math.ceil(keepMs)],
    };
    const held = await this.#eval(lockScripts.release, command, { deadlineMs });
    return this.#releaseReply(held, lossesBefore);
  }

  async revoke({ key, owner }: LockClaim, options: StoreCallOptions): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const { lock, waiters, places } = this.#keysOf(key);
    const command = { keys: [lock, waiters, places], args: [owner, this.#channels] };
    const held = await this.#eval(lockScripts.revoke, command, options);
    return this.#releaseReply(held, lossesBefore);
  }

  async query(key: string, options: StoreCallOptions): Promise<LockState | null> {
    const { lock, fence, waiters } = this.#keysOf(key);
    const command = { keys: [lock, fence, waiters], args: [] };
    return await this.#eval(lockScripts.query, command, options);
  }

  async watch(process: string, listener: LockStoreListener): Promise<void> {
    this.#endObservation ??= this.redis.onSubscriberChange((state) => {
      if (state === 'up') listener.resync();
    });
    this.#subscription = await this.redis.subscribe(this.#channels + process, (message) => {
      const [what, owner = ''] = message.split(' ');
      if (what === 'revoked') listener.revoked(owner);
      else listener.turn(owner);
    });
  }

  async unwatch(): Promise<void> {
    this.#endObservation?.();
    this.#endObservation = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#losses.stop();
  }

  #keysOf(name: string): { lock: string; fence: string; waiters: string; places: string } {
    const lock = this.redis.keys.key('lock', name);
    return { lock, fence: `${lock}:fence`, waiters: `${lock}:waiters`, places: `${lock}:places` };
  }

  /** Only a command whose connection was lost is ever sent twice. */
  #releaseReply(held: boolean, lossesBefore: number): ReleaseReply {
    if (held) return 'deleted';
    return this.#losses.count === lossesBefore ? 'absent' : 'unsure';
  }

  async #eval<R>(
    lua: RedisScript<R>,
    command: Command,
    { deadlineMs }: StoreCallOptions,
  ): Promise<R> {
    try {
      return await this.redis.eval(lua, command.keys, command.args, { deadlineMs });
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
