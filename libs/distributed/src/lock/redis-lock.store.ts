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
  type AcquireReply,
  type LockState,
  LockStore,
  type LockStoreListener,
  type ReleaseReply,
  type StoreCallOptions,
} from './lock.store.js';

/** Fencing tokens of forgotten keys continue from the server's clock, so no key has to stay. */
const FENCE_TTL_MS = 24 * 3_600_000;

const script = (name: string): URL => new URL(`./scripts/${name}.lua`, import.meta.url);

/** The Lua side of the store. */
export const lockScripts = {
  acquire: defineScript({
    url: script('acquire'),
    keys: 2,
    parse: (reply): AcquireReply => {
      const [acquired, value] = reply as [number, number];
      return acquired === 1
        ? { acquired: true, fencingToken: value }
        : { acquired: false, remainingMs: value };
    },
  }),
  renew: defineScript({ url: script('renew'), keys: 1, parse: (reply) => reply === 1 }),
  release: defineScript({ url: script('release'), keys: 1, parse: (reply) => reply === 1 }),
  query: defineScript({
    url: script('query'),
    keys: 2,
    parse: (reply): LockState | null => {
      if (!reply) return null;
      const [owner, remainingMs, fencingToken] = reply as [string, number, number];
      return { owner, remainingMs, fencingToken };
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
  readonly #channel: string;
  readonly #losses: ConnectionLosses;
  #subscription: Subscription | undefined;
  #endObservation: (() => void) | undefined;

  constructor(private readonly redis: RedisConnection) {
    super();
    this.#channel = redis.keys.channel('lock', 'freed');
    this.#losses = new ConnectionLosses(redis.client);
  }

  async acquire(
    key: string,
    owner: string,
    leaseMs: number,
    options: StoreCallOptions,
  ): Promise<AcquireReply> {
    const command = {
      keys: [this.#lockKey(key), this.#fenceKey(key)],
      args: [owner, Math.ceil(leaseMs), FENCE_TTL_MS],
    };
    return await this.#eval(lockScripts.acquire, command, options);
  }

  async renew(
    key: string,
    owner: string,
    leaseMs: number,
    options: StoreCallOptions,
  ): Promise<boolean> {
    const command = { keys: [this.#lockKey(key)], args: [owner, Math.ceil(leaseMs)] };
    return await this.#eval(lockScripts.renew, command, options);
  }

  async release(key: string, owner: string, options: StoreCallOptions): Promise<ReleaseReply> {
    const lossesBefore = this.#losses.count;
    const command = { keys: [this.#lockKey(key)], args: [owner, this.#channel, key] };
    if (await this.#eval(lockScripts.release, command, options)) return 'deleted';
    // Only a command whose connection was lost is ever sent twice.
    return this.#losses.count === lossesBefore ? 'absent' : 'unsure';
  }

  async query(key: string, options: StoreCallOptions): Promise<LockState | null> {
    const command = { keys: [this.#lockKey(key), this.#fenceKey(key)], args: [] };
    return await this.#eval(lockScripts.query, command, options);
  }

  async watch(listener: LockStoreListener): Promise<void> {
    this.#endObservation ??= this.redis.onSubscriberChange((state) => {
      if (state === 'up') listener.resync();
    });
    this.#subscription = await this.redis.subscribe(this.#channel, (message) => {
      const space = message.indexOf(' ');
      listener.freed(message.slice(space + 1), message.slice(0, space));
    });
  }

  async unwatch(): Promise<void> {
    this.#endObservation?.();
    this.#endObservation = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#losses.stop();
  }

  #lockKey(key: string): string {
    return this.redis.keys.key('lock', key);
  }

  #fenceKey(key: string): string {
    return this.redis.keys.key('lock', key, 'fence');
  }

  async #eval<R>(
    lua: RedisScript<R>,
    command: Command,
    { deadlineMs }: StoreCallOptions,
  ): Promise<R> {
    try {
      return await this.redis.eval(lua, command.keys, command.args, { deadlineMs });
    } catch (error) {
      // A script that failed may have failed half-way.
      const executed =
        error instanceof RedisDeadlineError || error instanceof RedisUnavailableError
          ? error.executed
          : 'unknown';
      const problem = error instanceof Error ? error.message : String(error);
      throw new LockBackendError(problem, { executed, cause: error });
    }
  }
}
