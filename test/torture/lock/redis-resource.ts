/** R2: counters and their journal in a Redis that is not the lock's. */
import { Redis } from 'ioredis';
import type { Guard } from '../torture.js';
import { type JournalEntry, type Reading, Resource, type Visit, type Writing } from './resource.js';

/** KEYS[1] counters   KEYS[2] journal   ARGV: fence, whether reading advances it, visit as JSON */
const ENTER = `
local plain = tonumber(redis.call('HGET', KEYS[1], 'plain') or 0)
local guarded = tonumber(redis.call('HGET', KEYS[1], 'guarded') or 0)
if ARGV[2] == '1' then
  if tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) > tonumber(ARGV[1]) then
    guarded = false
  else
    redis.call('HSET', KEYS[1], 'fence', ARGV[1])
  end
end
local visit = ARGV[3]
redis.call('RPUSH', KEYS[2],
  cjson.encode({true, guarded and 'read' or 'refused-read', guarded or 0, visit}),
  cjson.encode({false, 'read', plain, visit}))
return {guarded, plain}
`;

/** KEYS as above   ARGV: fence, guarded value or '', plain value, visit as JSON */
const LEAVE = `
local written = false
local visit = ARGV[4]
if ARGV[2] ~= '' then
  if tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) <= tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'guarded', ARGV[2], 'fence', ARGV[1])
    written = true
  end
  local kind = written and 'write' or 'refused-write'
  redis.call('RPUSH', KEYS[2], cjson.encode({true, kind, tonumber(ARGV[2]), visit}))
end
redis.call('HSET', KEYS[1], 'plain', ARGV[3])
redis.call('RPUSH', KEYS[2], cjson.encode({false, 'write', tonumber(ARGV[3]), visit}))
return written and 1 or 0
`;

/** One connection per process. */
export class RedisResource extends Resource {
  readonly #redis: Redis;

  constructor(url: string, guard: Guard) {
    super(guard);
    this.#redis = new Redis(url);
    this.#redis.on('error', () => {});
  }

  async enter(visit: Visit): Promise<Reading> {
    const advance = this.guard === 'read-and-write' ? 1 : 0;
    const args = [visit.fence, advance, JSON.stringify(visit)];
    const reply = await this.#redis.eval(ENTER, 2, ...keysOf(visit), ...args);
    const [guarded, plain] = reply as [number | null, number];
    return { guarded, plain };
  }

  async leave(visit: Visit, reading: Reading): Promise<Writing> {
    const guarded = reading.guarded === null ? '' : reading.guarded + 1;
    const args = [visit.fence, guarded, reading.plain + 1, JSON.stringify(visit)];
    const written = await this.#redis.eval(LEAVE, 2, ...keysOf(visit), ...args);
    return { guarded: written === 1 ? 'written' : 'refused' };
  }

  async journal(): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = [];
    for (const list of await this.#redis.keys('journal:*')) {
      for (const line of await this.#redis.lrange(list, 0, -1)) {
        const [guarded, kind, value, visit] = JSON.parse(line) as [
          boolean,
          JournalEntry['kind'],
          number,
          string,
        ];
        entries.push({ ...(JSON.parse(visit) as Visit), guarded, kind, value });
      }
    }
    return entries;
  }

  async clear(): Promise<void> {
    await this.#redis.flushall();
  }

  async close(): Promise<void> {
    await this.#redis.quit();
  }
}

function keysOf({ key }: Visit): [string, string] {
  return [`counters:${key}`, `journal:${key}`];
}
