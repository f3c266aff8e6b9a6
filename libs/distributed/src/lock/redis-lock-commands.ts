/** The Lua side of the locks in Redis: which script does what for a claim, with which keys. */
import { defineScript, type RedisKeys, type RedisScript } from '../redis/index.js';
import {
  type AcquireCommand,
  type LockClaim,
  type LockState,
  type LockTarget,
  type RenewCommand,
  WAITER_PATIENCE_MS,
} from './lock.store.js';

/** Fencing tokens of forgotten keys continue from the server's clock, so no key has to stay. */
const FENCE_TTL_MS = 24 * 3_600_000;

const file = (name: string): URL => new URL(`./scripts/${name}.lua`, import.meta.url);
const prelude = file('queue');
const yes = (reply: unknown): boolean => reply === 1;
const acquired = (reply: unknown): AcquireResult =>
  typeof reply === 'number' ? [1, reply] : (reply as AcquireResult);

/** What acquisitions answer; `value` is the fencing token, or when to ask again, in ms. */
export type AcquireResult = readonly [acquired: number, value: number, freed?: number];

/** All scripts. */
export const lockScripts = {
  acquire: defineScript({ url: file('acquire'), prelude, keys: 4, parse: acquired }),
  'acquire-all': defineScript({
    url: file('acquire-all'),
    prelude,
    parse: (reply) => reply as readonly number[] | null,
  }),
  renew: defineScript({ url: file('renew'), keys: 1, parse: yes }),
  release: defineScript({ url: file('release'), prelude, keys: 3, parse: yes }),
  revoke: defineScript({ url: file('revoke'), prelude, keys: 4, parse: yes }),
  query: defineScript({
    url: file('query'),
    keys: 3,
    parse: (reply): LockState | null => {
      if (!reply) return null;
      const [owner, remainingMs, fencingToken, waiters] = reply as [string, number, number, number];
      return { owner, remainingMs, fencingToken, waiters };
    },
  }),
  'acquire-shared': defineScript({
    url: file('acquire-shared'),
    prelude,
    keys: 5,
    parse: acquired,
  }),
  'renew-shared': defineScript({ url: file('renew-shared'), prelude, keys: 2, parse: yes }),
  'release-shared': defineScript({ url: file('release-shared'), prelude, keys: 4, parse: yes }),
  'acquire-permit': defineScript({
    url: file('acquire-permit'),
    prelude,
    keys: 3,
    parse: acquired,
  }),
  'renew-permit': defineScript({ url: file('renew-permit'), prelude, keys: 1, parse: yes }),
  'release-permit': defineScript({ url: file('release-permit'), prelude, keys: 3, parse: yes }),
};

const FAMILIES = {
  exclusive: { acquire: 'acquire', renew: 'renew', release: 'release' },
  shared: { acquire: 'acquire-shared', renew: 'renew-shared', release: 'release-shared' },
  permit: { acquire: 'acquire-permit', renew: 'renew-permit', release: 'release-permit' },
} as const;

const READER = '/shared';

/** The keys of one name, all in one slot. */
type LockKeys = Readonly<Record<'holder' | 'fence' | 'waiters' | 'places' | 'readers', string>>;

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
    const { fences, queue, siblings = [], frees = '', limit } = command;
    const { holder, fence, waiters, places, readers } = this.#keysOf(command);
    const me = tokenOf(command, command.owner);
    const others = siblings.map((owner) => tokenOf(command, owner));
    const leaseMs = Math.ceil(command.leaseMs);
    const keepMs = queue ? WAITER_PATIENCE_MS : 0;
    const script = lockScripts[FAMILIES[kindOf(command)].acquire];
    switch (kindOf(command)) {
      case 'permit': {
        const args = [me, leaseMs, limit as number, keepMs, this.channels, ...others];
        return { script, keys: [holder, waiters, places], args };
      }
      case 'shared': {
        const args = [me, leaseMs, FENCE_TTL_MS, keepMs, this.channels, ...others];
        return { script, keys: [holder, fence, waiters, places, readers], args };
      }
      case 'exclusive': {
        const args = [me, leaseMs, fences, FENCE_TTL_MS, frees, keepMs, this.channels, ...others];
        return { script, keys: [holder, fence, waiters, places], args };
      }
    }
  }

  /** Takes several locks, all or none. */
  acquireAll(commands: readonly AcquireCommand[]): LockCommand<readonly number[] | null> {
    const keys = commands.flatMap((command) => {
      const { holder, fence, waiters, places } = this.#keysOf(command);
      return [holder, fence, waiters, places];
    });
    const leaseMs = Math.ceil(Math.max(...commands.map((command) => command.leaseMs)));
    const fences = Math.max(...commands.map((command) => command.fences));
    const owners = commands.map(({ owner }) => owner);
    const args = [leaseMs, fences, FENCE_TTL_MS, ...owners];
    return { script: lockScripts['acquire-all'], keys, args };
  }

  /** Prolongs a lease. */
  renew(command: RenewCommand): LockCommand<boolean> {
    const { holder, readers } = this.#keysOf(command);
    const kind = kindOf(command);
    const args = [tokenOf(command, command.owner), Math.ceil(command.leaseMs)];
    const keys = kind === 'shared' ? [holder, readers] : [holder];
    return { script: lockScripts[FAMILIES[kind].renew], keys, args };
  }

  /** Gives up what the claim holds, or its place in the queue. */
  release(claim: LockClaim, keepMs: number): LockCommand<boolean> {
    const { holder, waiters, places, readers } = this.#keysOf(claim);
    const kind = kindOf(claim);
    const args = [tokenOf(claim, claim.owner), this.channels, Math.ceil(keepMs)];
    const keys = [holder, waiters, places, ...(kind === 'shared' ? [readers] : [])];
    return { script: lockScripts[FAMILIES[kind].release], keys, args };
  }

  /** Takes a lock away. */
  revoke(claim: LockClaim): LockCommand<boolean> {
    const { holder, waiters, places, readers } = this.#keysOf(claim);
    const args = [tokenOf(claim, claim.owner), this.channels];
    return { script: lockScripts.revoke, keys: [holder, waiters, places, readers], args };
  }

  /** Asks who holds a lock. */
  query(key: string): LockCommand<LockState | null> {
    const { holder, fence, waiters } = this.#keysOf({ key });
    return { script: lockScripts.query, keys: [holder, fence, waiters], args: [] };
  }

  #keysOf({ key, limit }: LockTarget): LockKeys {
    const holder = this.keys.key(limit === undefined ? 'lock' : 'semaphore', key);
    return {
      holder,
      fence: `${holder}:fence`,
      waiters: `${holder}:waiters`,
      places: `${holder}:places`,
      readers: `${holder}:readers`,
    };
  }
}

/** The owner a message is about. */
export function ownerOf(token: string): string {
  return token.endsWith(READER) ? token.slice(0, -READER.length) : token;
}

/** In the queue, which all modes share, a reader is known by the end of its token: see queue.lua. */
function tokenOf({ mode }: LockTarget, owner: string): string {
  return mode === 'shared' ? owner + READER : owner;
}

function kindOf({ limit, mode = 'exclusive' }: LockTarget): keyof typeof FAMILIES {
  return limit === undefined ? mode : 'permit';
}
