/** L2 in Redis: one string per entry, single-key scripts, every call with its own deadline. */
import { Inject, Injectable } from '@nestjs/common';
import {
  defineScript,
  type RedisArgument,
  RedisConnection,
  type RedisScript,
} from '../redis/index.js';
import { formatLease, type FillLease, formatValue, parseRecord } from './cache-record.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import {
  type Announcement,
  CacheStore,
  type EntryAddress,
  type StoredEntry,
  type StoredValue,
} from './cache.store.js';

const isOne = (reply: unknown): boolean => reply === 1;

const replace = script('replace', 1, isOne);
const extend = script('extend', 1, isOne);
const abandon = script('abandon', 1, isOne);
const fill = script('fill', 1, isOne);
const put = script('put', 2, isOne);
const remove = script('remove', 2, Number);
const generation = script('generation', 1, String);
const clear = script('clear', 1, String);

/** The port's operations on a `RedisConnection`. Reads go to the primary: a replica may lag behind a delete. */
@Injectable()
export class RedisCacheStore extends CacheStore {
  readonly #connection: RedisConnection;
  readonly #readMs: number;
  readonly #writeMs: number;

  constructor(
    connection: RedisConnection,
    @Inject(CACHE_OPTIONS) { l2: { readDeadline, writeDeadline } }: ResolvedCacheOptions,
  ) {
    super();
    this.#connection = connection;
    this.#readMs = readDeadline;
    this.#writeMs = writeDeadline;
  }

  async read(address: EntryAddress): Promise<StoredEntry | undefined> {
    const key = this.#entryKey(address);
    // PTTL first: if the record is replaced in between, its lifetime is taken too short, not too long.
    const [lifetime, raw] = await this.#connection.execute(
      'cache read',
      (client) => Promise.all([client.pttl(key), client.get(key)]),
      { deadlineMs: this.#readMs },
    );
    if (raw === null) return undefined;
    return { record: parseRecord(raw), remainingMs: Math.max(0, lifetime) };
  }

  async generation(cache: string): Promise<string> {
    const key = this.#generationKey(cache);
    const known = await this.#connection.execute('cache generation', (client) => client.get(key), {
      deadlineMs: this.#readMs,
    });
    return known ?? this.#run(generation, [key], [], this.#readMs);
  }

  async acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    const key = this.#entryKey(address);
    const reply = await this.#connection.execute(
      'cache lease',
      (client) => client.set(key, formatLease(lease), 'PX', ttlMs, 'NX'),
      { deadlineMs: this.#readMs },
    );
    return reply === 'OK';
  }

  replace(
    address: EntryAddress,
    header: string,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean> {
    const args = [header, formatLease(lease), ttlMs];
    return this.#run(replace, [this.#entryKey(address)], args, this.#readMs);
  }

  extend(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    const args = [formatLease(lease), ttlMs];
    return this.#run(extend, [this.#entryKey(address)], args, this.#writeMs);
  }

  async abandon(address: EntryAddress, lease: FillLease): Promise<void> {
    await this.#run(abandon, [this.#entryKey(address)], [formatLease(lease)], this.#writeMs);
  }

  fill(address: EntryAddress, { lease, text, ttlMs }: StoredValue): Promise<boolean> {
    const args = [formatLease(lease), formatValue(lease, text), ttlMs];
    return this.#run(fill, [this.#entryKey(address)], args, this.#writeMs);
  }

  async intend(address: EntryAddress, token: string, ttlMs: number): Promise<void> {
    const key = this.#intentKey(address);
    await this.#connection.execute(
      'cache intent',
      (client) => client.set(key, token, 'PX', ttlMs),
      { deadlineMs: this.#readMs },
    );
  }

  put(
    address: EntryAddress,
    { lease, text, ttlMs }: StoredValue,
    { channel, text: message }: Announcement,
  ): Promise<boolean> {
    const keys = [this.#entryKey(address), this.#intentKey(address)];
    const args = [lease.token, formatValue(lease, text), ttlMs, channel, message];
    return this.#run(put, keys, args, this.#writeMs);
  }

  async remove(address: EntryAddress, { channel, text }: Announcement): Promise<void> {
    const keys = [this.#entryKey(address), this.#intentKey(address)];
    await this.#run(remove, keys, [channel, text], this.#writeMs);
  }

  async clear(cache: string, { channel, text }: Announcement): Promise<void> {
    await this.#run(clear, [this.#generationKey(cache)], [channel, text], this.#writeMs);
  }

  async announce({ channel, text }: Announcement): Promise<void> {
    await this.#connection.execute('cache announce', (client) => client.publish(channel, text), {
      deadlineMs: this.#writeMs,
    });
  }

  /** Cache names hold no colon, keys no brace: unambiguous, and one hash tag per entry. */
  #entryKey({ cache, key }: EntryAddress): string {
    return this.#connection.keys.key('cache', `${cache}:${key}`);
  }

  #intentKey({ cache, key }: EntryAddress): string {
    return this.#connection.keys.key('cache', `${cache}:${key}`, 'intent');
  }

  #generationKey(cache: string): string {
    return this.#connection.keys.key('cache', cache, 'generation');
  }

  #run<R>(
    script: RedisScript<R>,
    keys: string[],
    args: RedisArgument[],
    deadlineMs: number,
  ): Promise<R> {
    return this.#connection.eval(script, keys, args, { deadlineMs });
  }
}

function script<R>(name: string, keys: number, parse: (reply: unknown) => R): RedisScript<R> {
  return defineScript({ url: new URL(`./scripts/${name}.lua`, import.meta.url), keys, parse });
}
