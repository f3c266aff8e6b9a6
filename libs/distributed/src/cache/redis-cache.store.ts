/** L2 in Redis: one string per entry, single-key scripts, every call with its own deadline. */
import { Inject, Injectable } from '@nestjs/common';
import { type RedisArgument, RedisConnection, type RedisScript } from '../redis/index.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { cacheScripts as scripts } from './cache-scripts.js';
import {
  type Announcement,
  type BoundTag,
  CacheStore,
  type EntryAddress,
  type FailedLoad,
  type InvalidationMode,
  type RefreshAnswer,
  type StoredEntry,
  type StoredHead,
  type StoredValue,
} from './cache.store.js';
import {
  type FillLease,
  formatLease,
  HEAD_BYTES,
  IDENTITY_BYTES,
  loadTime,
  type MarkVersion,
  parseEntry,
  tokenBytes,
  valueToken,
} from './entry-format.js';
import { L2Breaker } from './l2-breaker.js';

/** A tag's version outlives every load that may have begun before it. */
const TAG_TTL_MS = 24 * 3_600_000;

/** The port's operations on a `RedisConnection`. Reads go to the primary: a replica may lag behind a delete. */
@Injectable()
export class RedisCacheStore extends CacheStore {
  readonly #connection: RedisConnection;
  readonly #readMs: number;
  readonly #writeMs: number;

  constructor(
    connection: RedisConnection,
    private readonly breaker: L2Breaker,
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
    const [lifetime, bytes] = await this.#read('read', (client) =>
      Promise.all([client.pttl(key), client.getBuffer(key)]),
    );
    return stored(bytes, lifetime);
  }

  async readMany(addresses: readonly EntryAddress[]): Promise<(StoredEntry | undefined)[]> {
    if (addresses.length === 0) return [];
    const keys = addresses.map((address) => this.#entryKey(address));
    const [lifetimes, values] = await this.#read('read many', (client) =>
      Promise.all([
        Promise.all(keys.map((key) => client.pttl(key))),
        // The keys of a Cluster live in many slots, and MGET knows one.
        this.#connection.topology === 'cluster'
          ? Promise.all(keys.map((key) => client.getBuffer(key)))
          : client.mgetBuffer(keys),
      ]),
    );
    return keys.map((_key, index) => stored(values[index], lifetimes[index]));
  }

  async head(address: EntryAddress): Promise<StoredHead> {
    const key = this.#entryKey(address);
    const [lifetime, bytes] = await this.#read('head', (client) =>
      Promise.all([client.pttl(key), client.getrangeBuffer(key, 0, HEAD_BYTES - 1)]),
    );
    const remainingMs = Math.max(0, lifetime);
    return { token: valueToken(bytes), loadMs: loadTime(bytes), remainingMs };
  }

  async generation(cache: string): Promise<MarkVersion> {
    const key = this.#generationKey(cache);
    const known = await this.#read('generation', (client) => client.get(key));
    return known === null ? this.#ask(scripts.generation, [key], []) : scripts.parseVersion(known);
  }

  async clock(): Promise<number> {
    const known = await this.#read('clock', (client) => client.get(this.#clockKey));
    return known === null ? this.#ask(scripts.clock, [this.#clockKey], ['read']) : Number(known);
  }

  async tags(names: readonly string[]): Promise<(MarkVersion | undefined)[]> {
    const keys = names.map((name) => this.#tagKey(name));
    const versions = await this.#read('tags', (client) =>
      this.#connection.topology === 'cluster'
        ? Promise.all(keys.map((key) => client.get(key)))
        : client.mget(keys),
    );
    return versions.map((text) => (text === null ? undefined : scripts.parseVersion(text)));
  }

  async bindTags(names: readonly string[], clock: number, ttlMs: number): Promise<BoundTag[]> {
    const calls = names.map((name) => ({ keys: [this.#tagKey(name)], args: [clock, ttlMs] }));
    const deadline = { deadlineMs: this.#writeMs };
    const results = await this.#connection.evalAll(scripts.bindTag, calls, deadline);
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  async acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    const key = this.#entryKey(address);
    const reply = await this.#read('lease', (client) =>
      client.set(key, formatLease(lease), 'PX', ttlMs, 'NX'),
    );
    return reply === 'OK';
  }

  replace(
    address: EntryAddress,
    identity: Buffer,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean> {
    const record = formatLease(lease);
    const args = [identity, record, ttlMs, record.subarray(0, IDENTITY_BYTES)];
    return this.#ask(scripts.replace, [this.#entryKey(address)], args);
  }

  refresh(
    address: EntryAddress,
    token: string,
    lease: FillLease,
    ttlMs: number,
  ): Promise<RefreshAnswer> {
    const args = [tokenBytes(token), tokenBytes(lease.token), ttlMs];
    return this.#ask(scripts.refresh, [this.#entryKey(address)], args);
  }

  extend(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    const args = [tokenBytes(lease.token), ttlMs];
    return this.#do(scripts.extend, [this.#entryKey(address)], args);
  }

  async abandon(address: EntryAddress, lease: FillLease, failure?: FailedLoad): Promise<void> {
    const { record = '', ttlMs = 0, pauseMs = 0 } = failure ?? {};
    const args = [tokenBytes(lease.token), record, ttlMs, pauseMs];
    await this.#do(scripts.abandon, [this.#entryKey(address)], args);
  }

  fill(address: EntryAddress, { token, record, ttlMs }: StoredValue): Promise<boolean> {
    const args = [tokenBytes(token), record, ttlMs];
    return this.#do(scripts.fill, [this.#entryKey(address)], args);
  }

  async intend(address: EntryAddress, token: string, ttlMs: number): Promise<void> {
    const key = this.#intentKey(address);
    await this.#read('intent', (client) => client.set(key, token, 'PX', ttlMs));
  }

  put(
    address: EntryAddress,
    { token, record, ttlMs }: StoredValue,
    { channel, text }: Announcement,
  ): Promise<boolean> {
    const keys = [this.#entryKey(address), this.#intentKey(address)];
    return this.#do(scripts.put, keys, [token, record, ttlMs, channel, text]);
  }

  async remove(address: EntryAddress, { channel, text }: Announcement): Promise<void> {
    const keys = [this.#entryKey(address), this.#intentKey(address)];
    await this.#do(scripts.remove, keys, [channel, text]);
  }

  async expire(address: EntryAddress, { channel, text }: Announcement): Promise<void> {
    const keys = [this.#entryKey(address), this.#intentKey(address)];
    await this.#do(scripts.expire, keys, [channel, text]);
  }

  async clear(
    cache: string,
    mode: InvalidationMode,
    { channel, text }: Announcement,
  ): Promise<void> {
    await this.#do(scripts.clear, [this.#generationKey(cache)], [mode, channel, text]);
  }

  async invalidateTag(
    name: string,
    mode: InvalidationMode,
    { channel, text }: Announcement,
  ): Promise<void> {
    // Two keys of two slots, hence two steps; the second one never lets a version shrink.
    const version = await this.#do(scripts.clock, [this.#clockKey], ['tick']);
    const args = [version, mode, TAG_TTL_MS, channel, text];
    await this.#do(scripts.invalidateTag, [this.#tagKey(name)], args);
  }

  async announce({ channel, text }: Announcement): Promise<void> {
    const deadline = { deadlineMs: this.#writeMs };
    await this.breaker.observe(() =>
      this.#connection.execute(
        'cache announce',
        (client) => client.publish(channel, text),
        deadline,
      ),
    );
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

  #tagKey(name: string): string {
    return this.#connection.keys.key('cache', name, 'tag');
  }

  get #clockKey(): string {
    return this.#connection.keys.channel('cache', 'clock');
  }

  #read<R>(label: string, run: (client: RedisConnection['client']) => Promise<R>): Promise<R> {
    return this.breaker.run(() =>
      this.#connection.execute(`cache ${label}`, run, { deadlineMs: this.#readMs }),
    );
  }

  /** What a caller can do without. */
  #ask<R>(script: RedisScript<R>, keys: string[], args: RedisArgument[]): Promise<R> {
    return this.breaker.run(() =>
      this.#connection.eval(script, keys, args, { deadlineMs: this.#readMs }),
    );
  }

  /** What must be done. */
  #do<R>(script: RedisScript<R>, keys: string[], args: RedisArgument[]): Promise<R> {
    return this.breaker.observe(() =>
      this.#connection.eval(script, keys, args, { deadlineMs: this.#writeMs }),
    );
  }
}

function stored(
  bytes: Buffer | null | undefined,
  lifetime: number | undefined,
): StoredEntry | undefined {
  if (!bytes) return undefined;
  return {
    entry: parseEntry(bytes),
    identity: bytes.subarray(0, IDENTITY_BYTES),
    remainingMs: Math.max(0, lifetime ?? 0),
  };
}
