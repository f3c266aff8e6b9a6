/** The Lua side of the locks in Redis: which script does what for a claim, with which keys. */
import { defineScript, type RedisKeys, type RedisScript } from '../redis/index.js';
import type { AcquireCommand, LockClaim, LockState, RenewCommand } from './lock.store.js';

/** Fencing tokens of forgotten keys continue from the server's clock, so no key has to stay. */
const FENCE_TTL_MS = 24 * 3_600_000;
/** A waiter that has not asked for so long is dead: two of its polls, and some time to spare. */
const PATIENCE_MS = 3_000;

const file = (name: string): URL => new URL(`./scripts/${name}.lua`, import.meta.url);
const prelude = file('queue');
const yes = (reply: unknown): boolean => reply === 1;
const acquired = (reply: unknown): AcquireResult => reply as AcquireResult;

/** What acquisitions answer; `value` is the fencing token, or when to ask again, in ms. */
export type AcquireResult = readonly [acquired: number, value: number, freed?: number];

/** All scripts. */
export const lockScripts = {
  acquire: defineScript({ url: file('acquire'), prelude, keys: 4, parse: acquired }),
  renew: defineScript({ url: file('renew'), keys: 1, parse: yes }),
  release: defineScript({ url: file('release'), prelude, keys: 3, parse: yes }),
  revoke: defineScript({ url: file('revoke'), prelude, keys: 3, parse: yes }),
  query: defineScript({
    url: file('query'),
    keys: 3,
    parse: (reply): LockState | null => {
      if (!reply) return null;
      const [owner, remainingMs, fencingToken, waiters] = reply as [string, number, number, number];
      return { owner, remainingMs, fencingToken, waiters };
    },
  }),
  'acquire-permit': defineScript({
    url: file('acquire-permit'),
    prelude,
    keys: 3,
    parse: acquired,
  }),
  'renew-permit': defineScript({ url: file('renew-permit'), prelude, keys: 1, parse: yes }),
  'release-permit': defineScript({ url: file('release-permit'), prelude, keys: 3, parse: yes }),
};

/** One call of one script. */
export interface LockCommand<R> {
  readonly script: RedisScript<R>;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** Translates the commands of the port. */
export class RedisLockCommands {
  /** Prefix of the channels, one per process. */
  readonly channels: string;

  constructor(private readonly keys: RedisKeys) {
    this.channels = keys.channel('lock', 'process:');
  }

  /** Takes what the claim asks for, or a place in the queue. */
  acquire(command: AcquireCommand): LockCommand<AcquireResult> {
    const { owner, fences, queue, siblings = [], frees = '', limit } = command;
    const { holder, fence, waiters, places } = this.#keysOf(command);
    const leaseMs = Math.ceil(command.leaseMs);
    const keepMs = queue ? PATIENCE_MS : 0;
    if (limit !== undefined)
      return {
        script: lockScripts['acquire-permit'],
        keys: [holder, waiters, places],
        args: [owner, leaseMs, limit, keepMs, this.channels, ...siblings],
      };
    return {
      script: lockScripts.acquire,
      keys: [holder, fence, waiters, places],
      args: [owner, leaseMs, fences, FENCE_TTL_MS, frees, keepMs, this.channels, ...siblings],
    };
  }

  /** Prolongs a lease. */
  renew(command: RenewCommand): LockCommand<boolean> {
    const { holder } = this.#keysOf(command);
    const args = [command.owner, Math.ceil(command.leaseMs)];
    const script = command.limit === undefined ? lockScripts.renew : lockScripts['renew-permit'];
    return { script, keys: [holder], args };
  }

  /** Gives up what the claim holds, or its place in the queue. */
  release(claim: LockClaim, keepMs: number): LockCommand<boolean> {
    const { holder, waiters, places } = this.#keysOf(claim);
    const args = [claim.owner, this.channels, Math.ceil(keepMs)];
    const script = claim.limit === undefined ? lockScripts.release : lockScripts['release-permit'];
    return { script, keys: [holder, waiters, places], args };
  }

  /** Takes a lock away. */
  revoke(claim: LockClaim): LockCommand<boolean> {
    const { holder, waiters, places } = this.#keysOf(claim);
    const args = [claim.owner, this.channels];
    return { script: lockScripts.revoke, keys: [holder, waiters, places], args };
  }

  /** Asks who holds a lock. */
  query(key: string): LockCommand<LockState | null> {
    const { holder, fence, waiters } = this.#keysOf({ key });
    return { script: lockScripts.query, keys: [holder, fence, waiters], args: [] };
  }

  #keysOf({
    key,
    limit,
  }: Pick<LockClaim, 'key' | 'limit'>): Record<'holder' | 'fence' | 'waiters' | 'places', string> {
    const room = limit === undefined ? 'lock' : 'semaphore';
    const holder = this.keys.key(room, key);
    return {
      holder,
      fence: `${holder}:fence`,
      waiters: `${holder}:waiters`,
      places: `${holder}:places`,
    };
  }
}
