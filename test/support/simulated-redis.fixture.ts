/**
 * What the cache's commands and scripts do, without a server: for tests that run thousands of
 * schedules. `simulated-redis` is compared with the real one in redis-cache-model.spec.ts.
 */
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
} from '../../libs/distributed/src/cache/cache.store.js';
import {
  type FillLease,
  formatLease,
  IDENTITY_BYTES,
  loadTime,
  type MarkVersion,
  parseEntry,
  tokenBytes,
  valueToken,
} from '../../libs/distributed/src/cache/entry-format.js';

interface Stored {
  bytes: Buffer;
  ttlMs: number;
}

const NOBODY = tokenBytes('');
const FAILED = tokenBytes('!');

/** The state. Time stands still: nothing expires, leases do not run out. */
export class SimulatedRedis {
  readonly entries = new Map<string, Stored>();
  readonly intents = new Map<string, string>();
  readonly generations = new Map<string, MarkVersion>();
  readonly tags = new Map<string, MarkVersion>();
  clock = 1_000;
  /** Receives what is published, in order. */
  readonly subscribers = new Set<(text: string) => void>();

  publish({ text }: Announcement): void {
    for (const subscriber of this.subscribers) subscriber(text);
  }

  tick(): number {
    return ++this.clock;
  }
}

/** The port over a simulated server; each call is one step. */
export class SimulatedCacheStore extends CacheStore {
  constructor(readonly redis: SimulatedRedis) {
    super();
  }

  async read(address: EntryAddress): Promise<StoredEntry | undefined> {
    const stored = this.#get(address);
    if (!stored) return undefined;
    const bytes = Buffer.from(stored.bytes);
    const identity = bytes.subarray(0, IDENTITY_BYTES);
    return { entry: parseEntry(bytes), identity, remainingMs: stored.ttlMs };
  }

  async readMany(addresses: readonly EntryAddress[]): Promise<(StoredEntry | undefined)[]> {
    return Promise.all(addresses.map((address) => this.read(address)));
  }

  async head(address: EntryAddress): Promise<StoredHead> {
    const { bytes, ttlMs } = this.#get(address) ?? { bytes: Buffer.alloc(0), ttlMs: 0 };
    return { token: valueToken(bytes), loadMs: loadTime(bytes), remainingMs: ttlMs };
  }

  async generation(cache: string): Promise<MarkVersion> {
    const known = this.redis.generations.get(cache);
    if (known) return known;
    const version = this.redis.tick();
    const created = { hard: version, soft: version };
    this.redis.generations.set(cache, created);
    return created;
  }

  async clock(): Promise<number> {
    return this.redis.clock;
  }

  async tags(names: readonly string[]): Promise<(MarkVersion | undefined)[]> {
    return names.map((name) => this.redis.tags.get(name));
  }

  async bindTags(names: readonly string[], clock: number, ttlMs: number): Promise<BoundTag[]> {
    return names.map((name) => {
      const version = this.redis.tags.get(name) ?? { hard: clock, soft: clock };
      this.redis.tags.set(name, version);
      return { version, keptMs: 2 * ttlMs };
    });
  }

  async acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    if (this.#get(address)) return false;
    this.#set(address, formatLease(lease), ttlMs);
    return true;
  }

  async replace(
    address: EntryAddress,
    identity: Buffer,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean> {
    const current = this.#get(address)?.bytes.subarray(0, IDENTITY_BYTES);
    const record = formatLease(lease);
    if (current?.equals(record.subarray(0, IDENTITY_BYTES))) return true;
    if (!current?.equals(identity)) return false;
    this.#set(address, record, ttlMs);
    return true;
  }

  async refresh(address: EntryAddress, token: string, lease: FillLease): Promise<RefreshAnswer> {
    const stored = this.#get(address);
    if (!stored || valueToken(stored.bytes) !== token) return 'changed';
    const holder = stored.bytes.subarray(26, 48);
    const mine = tokenBytes(lease.token);
    if (!holder.equals(NOBODY) && !holder.equals(mine))
      return holder.equals(FAILED) ? 'failed' : 'busy';
    mine.copy(stored.bytes, 26);
    return 'leased';
  }

  async extend(address: EntryAddress, lease: FillLease): Promise<boolean> {
    return ['lease', 'refresh'].includes(this.#standing(address, lease.token));
  }

  async abandon(address: EntryAddress, lease: FillLease, failure?: FailedLoad): Promise<void> {
    const standing = this.#standing(address, lease.token);
    if (standing === 'lease') {
      if (failure?.record) this.#set(address, failure.record, failure.ttlMs);
      else this.redis.entries.delete(keyOf(address));
    }
    if (standing === 'refresh')
      (failure?.pauseMs ? FAILED : NOBODY).copy(this.#get(address)?.bytes as Buffer, 26);
  }

  async fill(address: EntryAddress, { token, record, ttlMs }: StoredValue): Promise<boolean> {
    const standing = this.#standing(address, token);
    if (standing === 'none') return false;
    if (standing !== 'filled') this.#set(address, record, ttlMs);
    return true;
  }

  async intend(address: EntryAddress, token: string): Promise<void> {
    this.redis.intents.set(keyOf(address), token);
  }

  async put(
    address: EntryAddress,
    { token, record, ttlMs }: StoredValue,
    announcement: Announcement,
  ): Promise<boolean> {
    const stored = this.redis.intents.get(keyOf(address)) === token;
    if (stored) this.#set(address, record, ttlMs);
    else this.redis.entries.delete(keyOf(address));
    this.redis.intents.delete(keyOf(address));
    this.redis.publish(announcement);
    return stored;
  }

  async remove(address: EntryAddress, announcement: Announcement): Promise<void> {
    this.redis.entries.delete(keyOf(address));
    this.redis.intents.delete(keyOf(address));
    this.redis.publish(announcement);
  }

  async expire(address: EntryAddress, announcement: Announcement): Promise<void> {
    const stored = this.#get(address);
    const entry = stored && parseEntry(stored.bytes);
    const grace = Math.max(entry?.staleWhileRevalidate ?? 0, entry?.staleIfError ?? 0);
    this.redis.intents.delete(keyOf(address));
    if (stored && entry?.kind === 'value' && grace > 0) {
      stored.ttlMs = Math.min(stored.ttlMs, grace);
      NOBODY.copy(stored.bytes, 26);
    } else this.redis.entries.delete(keyOf(address));
    this.redis.publish(announcement);
  }

  async clear(cache: string, mode: InvalidationMode, announcement: Announcement): Promise<void> {
    const version = this.redis.tick();
    const hard = mode === 'soft' ? (this.redis.generations.get(cache)?.hard ?? version) : version;
    this.redis.generations.set(cache, { hard, soft: version });
    this.redis.publish(announcement);
  }

  async invalidateTag(
    name: string,
    mode: InvalidationMode,
    announcement: Announcement,
  ): Promise<void> {
    const version = this.redis.tick();
    const { hard, soft } = this.redis.tags.get(name) ?? { hard: 0, soft: 0 };
    this.redis.tags.set(name, mode === 'soft' ? { hard, soft: version } : { hard: version, soft });
    this.redis.publish(announcement);
  }

  async announce(announcement: Announcement): Promise<void> {
    this.redis.publish(announcement);
  }

  #get(address: EntryAddress): Stored | undefined {
    return this.redis.entries.get(keyOf(address));
  }

  #set(address: EntryAddress, bytes: Buffer, ttlMs: number): void {
    this.redis.entries.set(keyOf(address), { bytes: Buffer.from(bytes), ttlMs });
  }

  #standing(address: EntryAddress, token: string): 'lease' | 'refresh' | 'filled' | 'none' {
    const entry = parseEntry(this.#get(address)?.bytes ?? Buffer.alloc(0));
    if (entry?.kind === 'lease' && entry.token === token) return 'lease';
    if (entry?.kind === 'value' && entry.leaseToken === token) return 'refresh';
    return entry?.kind === 'value' && entry.token === token ? 'filled' : 'none';
  }
}

function keyOf({ cache, key }: EntryAddress): string {
  return `${cache}:${key}`;
}
