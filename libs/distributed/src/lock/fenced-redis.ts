/**
 * A fence in front of keys on a Redis: each operation is guard and command in one script, so that
 * nothing comes between the two. Meant for another server than the one that keeps the lock.
 */
import { readFileSync } from 'node:fs';
import {
  composeScript,
  type RedisArgument,
  type RedisConnection,
  type RedisScript,
} from '../redis/index.js';
import { type Duration, toMs } from '../time/index.js';
import { fenceSlot } from './fence-slot.js';
import type { Lock } from './lock.js';
import { FenceUnusableError, StaleLockError, UnfencedLockError } from './lock.errors.js';
import { lockEvents } from './lock.events.js';

/** How a fence is kept. */
export interface FencedRedisOptions {
  /**
   * How long the server remembers the last holder, counted from its last operation. Must be longer
   * than any holder can be frozen and come back. Default `'1d'`.
   */
  readonly remember?: Duration;
}

/** What Redis answers: an integer arrives as a number, nil as null. */
export type RedisFenceReply = string | number | null | RedisFenceReply[];

/**
 * The fence of one lock. All operations of one holder run one after the other; one that is sent
 * again after a lost reply happens once. Every operation rejects with `E_LOCK_STALE` when a later
 * holder was here, and with the errors of `RedisConnection`.
 */
export interface RedisFence {
  /** The key of the lock. */
  readonly key: string;
  /** The token of this holder. */
  readonly fencingToken: number;
  /**
   * Advances the fence without touching data. `get`, `set` and `run` do it by themselves; call it
   * where the first read of a key happens on another way.
   */
  enter(redis: RedisConnection, key: string): Promise<void>;
  /** Reads a string. Later holders' reads and writes come after it; earlier holders' are refused. */
  get(redis: RedisConnection, key: string): Promise<string | null>;
  /** Writes a string, with a time to live if given. */
  set(
    redis: RedisConnection,
    key: string,
    value: RedisArgument,
    options?: { readonly ttl?: Duration },
  ): Promise<void>;
  /**
   * Runs Lua behind the guard; it sees `KEYS` and `ARGV` as given here.
   * @param keys all of one hash tag
   * @throws FenceUnusableError `E_LOCK_FENCE` when the keys do not share a slot
   *
   * @example
   * fence.run(redis, ['stock:{book}'], "return redis.call('DECRBY', KEYS[1], ARGV[1])", [2]);
   */
  run(
    redis: RedisConnection,
    keys: readonly string[],
    lua: string,
    args?: readonly RedisArgument[],
  ): Promise<RedisFenceReply>;
}

const GUARD = readFileSync(new URL('./scripts/fenced.lua', import.meta.url), 'utf8');

type Guarded = RedisScript<[passed: number, reply: RedisFenceReply]>;

/** What runs behind the guard. */
interface GuardedBody {
  readonly script: Guarded;
  readonly args: readonly RedisArgument[];
  /** A copy of it must not run again; the server keeps its reply. */
  readonly once: boolean;
}

/** Lua behind the guard, on so many keys of its own. */
function guarded(lua: string, keys: number): Guarded {
  return composeScript({
    name: 'fenced',
    source: `local function body(KEYS, ARGV)\n${lua}\nend\n${GUARD}`,
    keys: keys + 1,
    parse: (reply) => reply as [number, RedisFenceReply],
  });
}

const NOTHING: GuardedBody = { script: guarded('', 1), args: [], once: false };
const GET: GuardedBody = {
  script: guarded("return redis.call('GET', KEYS[1])", 1),
  args: [],
  once: false,
};
const SET = guarded("redis.call('SET', KEYS[1], unpack(ARGV))", 1);

/** Operations of one lock: their numbers, and the one that is under way. */
interface Line {
  number: number;
  last: Promise<unknown>;
}

/** Two fences of one lock are one holder to the server, so they count together. */
const LINES = new WeakMap<Lock, Line>();

/**
 * The fence of `lock`.
 * @throws UnfencedLockError `E_LOCK_UNFENCED` when the lock has no token
 * @throws FenceUnusableError `E_LOCK_FENCE` for a lock of several keys: pass one of its `members`
 */
export function fencedRedis(lock: Lock, { remember = '1d' }: FencedRedisOptions = {}): RedisFence {
  const { name, key: lockKey, fencingToken, members } = lock;
  if (members.length > 1)
    throw new FenceUnusableError(
      'the lock has several keys, each with a token of its own. Pass the one of `lock.members` that guards these data.',
    );
  if (!(fencingToken > 0)) throw new UnfencedLockError(lockKey);
  const rememberMs = Math.max(1, Math.ceil(toMs(remember, 'fencedRedis({ remember })')));

  const behind = (
    redis: RedisConnection,
    keys: readonly string[],
    { script, args, once }: GuardedBody,
  ): Promise<RedisFenceReply> =>
    inTurn(lock, async (number) => {
      const fenceKey = redis.keys.key('fence', fenceSlot(keys), lockKey);
      const guard = [String(fencingToken), number, rememberMs, once ? '1' : '0'];
      const [passed, reply] = await redis.eval(script, [fenceKey, ...keys], [...guard, ...args]);
      if (passed === 1) return reply;
      lockEvents.emit('stale', () => ({ name, key: lockKey, fencingToken, resource: 'redis' }));
      throw new StaleLockError(lockKey, fencingToken, Number(reply));
    });

  return {
    key: lockKey,
    fencingToken,
    run: (redis, keys, lua, args = []) =>
      behind(redis, keys, { script: guarded(lua, keys.length), args, once: true }),
    enter: async (redis, key) => void (await behind(redis, [key], NOTHING)),
    get: async (redis, key) => (await behind(redis, [key], GET)) as string | null,
    set: async (redis, key, value, { ttl } = {}) => {
      const limit = ttl === undefined ? [] : ['PX', Math.ceil(toMs(ttl, 'set({ ttl })'))];
      await behind(redis, [key], { script: SET, args: [value, ...limit], once: false });
    },
  };
}

/** One after the other: a number is only ever used again by the same operation. */
function inTurn<T>(lock: Lock, operation: (number: number) => Promise<T>): Promise<T> {
  const line = LINES.get(lock) ?? { number: 0, last: Promise.resolve() };
  LINES.set(lock, line);
  const turn = line.last.then(() => operation(++line.number));
  line.last = turn.catch(() => undefined);
  return turn;
}
