/** A store whose calls stop at a gate, so that a test decides the order of what races. */
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
import type { FillLease, MarkVersion } from '../../libs/distributed/src/cache/entry-format.js';

type Operation = Exclude<keyof CacheStore, symbol>;

/** Where a held call stops: before Redis has seen it, or before its reply is known. */
type Place = 'before' | 'after';

/** A held call. */
export interface Gate {
  /** Resolves when a call has arrived at the gate. */
  readonly arrived: Promise<void>;
  open(): void;
}

interface Hold {
  readonly operation: Operation;
  readonly place: Place;
  readonly arrive: () => void;
  readonly passage: Promise<void>;
}

/** Delegates to a real store. */
export class GatedCacheStore extends CacheStore {
  readonly #holds: Hold[] = [];
  readonly #lost: Operation[] = [];
  readonly #refused: Operation[] = [];
  /** How often each operation reached Redis. */
  readonly calls: Partial<Record<Operation, number>> = {};

  constructor(private readonly store: CacheStore) {
    super();
  }

  /** Holds the next call of `operation`. */
  hold(operation: Operation, place: Place = 'before'): Gate {
    let open!: () => void;
    let arrive!: () => void;
    const passage = new Promise<void>((resolve) => (open = resolve));
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    this.#holds.push({ operation, place, arrive, passage });
    return { arrived, open };
  }

  /** Resolves when so many calls of `operation` have reached Redis. */
  async seen(operation: Operation, count: number): Promise<void> {
    while ((this.calls[operation] ?? 0) < count)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets the next call of `operation` reach Redis, and loses its reply. */
  loseReply(operation: Operation): void {
    this.#lost.push(operation);
  }

  /** Refuses the next call of `operation`; it does not reach Redis. */
  refuse(operation: Operation): void {
    this.#refused.push(operation);
  }

  async #pass<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    await this.#stop(operation, 'before');
    if (take(this.#refused, operation)) throw new Error(`'${operation}' was refused`);
    this.calls[operation] = (this.calls[operation] ?? 0) + 1;
    const result = await run();
    await this.#stop(operation, 'after');
    if (take(this.#lost, operation)) throw new Error(`the reply to '${operation}' was lost`);
    return result;
  }

  async #stop(operation: Operation, place: Place): Promise<void> {
    const index = this.#holds.findIndex(
      (hold) => hold.operation === operation && hold.place === place,
    );
    const hold = this.#holds[index];
    if (!hold) return;
    this.#holds.splice(index, 1);
    hold.arrive();
    await hold.passage;
  }

  read(address: EntryAddress): Promise<StoredEntry | undefined> {
    return this.#pass('read', () => this.store.read(address));
  }
  readMany(addresses: readonly EntryAddress[]): Promise<(StoredEntry | undefined)[]> {
    return this.#pass('readMany', () => this.store.readMany(addresses));
  }
  head(address: EntryAddress): Promise<StoredHead> {
    return this.#pass('head', () => this.store.head(address));
  }
  generation(cache: string): Promise<MarkVersion> {
    return this.#pass('generation', () => this.store.generation(cache));
  }
  clock(): Promise<number> {
    return this.#pass('clock', () => this.store.clock());
  }
  tags(names: readonly string[]): Promise<(MarkVersion | undefined)[]> {
    return this.#pass('tags', () => this.store.tags(names));
  }
  bindTags(names: readonly string[], clock: number, ttlMs: number): Promise<BoundTag[]> {
    return this.#pass('bindTags', () => this.store.bindTags(names, clock, ttlMs));
  }
  acquire(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    return this.#pass('acquire', () => this.store.acquire(address, lease, ttlMs));
  }
  replace(
    address: EntryAddress,
    identity: Buffer,
    lease: FillLease,
    ttlMs: number,
  ): Promise<boolean> {
    return this.#pass('replace', () => this.store.replace(address, identity, lease, ttlMs));
  }
  refresh(
    address: EntryAddress,
    token: string,
    lease: FillLease,
    ttlMs: number,
  ): Promise<RefreshAnswer> {
    return this.#pass('refresh', () => this.store.refresh(address, token, lease, ttlMs));
  }
  extend(address: EntryAddress, lease: FillLease, ttlMs: number): Promise<boolean> {
    return this.#pass('extend', () => this.store.extend(address, lease, ttlMs));
  }
  abandon(address: EntryAddress, lease: FillLease, failure?: FailedLoad): Promise<void> {
    return this.#pass('abandon', () => this.store.abandon(address, lease, failure));
  }
  fill(address: EntryAddress, value: StoredValue): Promise<boolean> {
    return this.#pass('fill', () => this.store.fill(address, value));
  }
  intend(address: EntryAddress, token: string, ttlMs: number): Promise<void> {
    return this.#pass('intend', () => this.store.intend(address, token, ttlMs));
  }
  put(address: EntryAddress, value: StoredValue, announcement: Announcement): Promise<boolean> {
    return this.#pass('put', () => this.store.put(address, value, announcement));
  }
  remove(address: EntryAddress, announcement: Announcement): Promise<void> {
    return this.#pass('remove', () => this.store.remove(address, announcement));
  }
  expire(address: EntryAddress, announcement: Announcement): Promise<void> {
    return this.#pass('expire', () => this.store.expire(address, announcement));
  }
  clear(cache: string, mode: InvalidationMode, announcement: Announcement): Promise<void> {
    return this.#pass('clear', () => this.store.clear(cache, mode, announcement));
  }
  invalidateTag(name: string, mode: InvalidationMode, announcement: Announcement): Promise<void> {
    return this.#pass('invalidateTag', () => this.store.invalidateTag(name, mode, announcement));
  }
  announce(announcement: Announcement): Promise<void> {
    return this.#pass('announce', () => this.store.announce(announcement));
  }
}

/** Removes one `wanted` from `list`; false when there is none. */
function take(list: Operation[], wanted: Operation): boolean {
  const index = list.indexOf(wanted);
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}
