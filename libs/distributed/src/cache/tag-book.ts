/**
 * What this process knows of the versions of tags. A version is a shared object: entries in memory
 * point to it, and one message ends them all by marking it. Nothing is asked for a known one.
 */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { CachePoison } from './cache-poison.js';
import { type BoundTag, CacheStore } from './cache.store.js';
import type { EntryTag, MarkVersion } from './entry-format.js';
import { InvalidationBus } from './invalidation-bus.js';

/** A tag's version as learned from Redis. */
export class Tag implements EntryTag {
  /** False once it was invalidated, or is forgotten here: whoever holds it must ask again. */
  live = true;
  /** Until then Redis keeps the version, as far as known here; on the clock of this process. */
  keptUntil = 0;

  constructor(
    readonly name: string,
    readonly version: MarkVersion,
  ) {}
}

/** Beyond, the tags learned first are forgotten; their entries ask Redis again. */
const MAX_TAGS = 50_000;

@Injectable()
export class TagBook {
  /** Tags whose invalidation Redis has not confirmed: nothing that carries them counts here. */
  readonly poison = new CachePoison();
  readonly #known = new Map<string, Tag>();
  /** Of caches without L2: no version is compared, only invalidated. */
  readonly #local = new Map<string, Tag>();
  /** One set per question on its way: what was invalidated meanwhile. */
  readonly #questions = new Set<Set<string>>();
  readonly #listeners = new Set<() => void>();
  #epoch = 0;

  constructor(
    private readonly store: CacheStore,
    private readonly bus: InvalidationBus,
    private readonly clock: Clock,
  ) {
    bus.onTag((name) => this.forget(name));
  }

  /** Tags known now. */
  get size(): number {
    return this.#known.size;
  }

  /** Calls `listener` whenever a tag is invalidated, here or elsewhere. */
  onForget(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Ends what is known of a tag here. */
  forget(name: string): void {
    const tag = this.#known.get(name);
    if (tag) this.#drop(tag);
    const local = this.#local.get(name);
    if (local) local.live = false;
    this.#local.delete(name);
    for (const invalidated of this.#questions) invalidated.add(name);
    for (const listener of this.#listeners) listener();
  }

  /** Collects the tags that are invalidated until `end` is called. */
  watch(): { readonly invalidated: ReadonlySet<string>; end(): void } {
    const invalidated = new Set<string>();
    this.#questions.add(invalidated);
    return { invalidated, end: () => this.#questions.delete(invalidated) };
  }

  /** The tag of an entry that lives in memory alone. */
  local(name: string): Tag {
    const known = this.#local.get(name);
    if (known) return known;
    const tag = new Tag(name, { hard: 0, soft: 0 });
    bounded(this.#local, (oldest) => (oldest.live = false)).set(name, tag);
    return tag;
  }

  /**
   * The tags of an entry, in one round trip for all unknown ones; undefined for one that is missing
   * in Redis. `trusting`: what the bus keeps up to date here is good enough.
   */
  async learn(names: readonly string[], trusting: boolean): Promise<(Tag | undefined)[]> {
    const ask = trusting ? names.filter((name) => !this.#get(name)) : names;
    if (ask.length === 0)
      return names.map((name) => (this.poison.has(name) ? undefined : this.#get(name)));
    const learned = await this.#question(ask, () => this.store.tags(ask));
    return names.map((name) => {
      if (this.poison.has(name)) return undefined;
      return learned.get(name) ?? (trusting ? this.#get(name) : undefined);
    });
  }

  /** The same for a value about to be stored for `ttlMs` that was loaded since `clock`. */
  async bind(names: readonly string[], clock: number, ttlMs: number): Promise<Tag[]> {
    const until = this.clock.now() + ttlMs;
    const trusting = this.bus.fresh;
    const kept = (name: string): Tag | undefined => {
      const tag = trusting ? this.#get(name) : undefined;
      return tag && tag.keptUntil >= until ? tag : undefined;
    };
    const bound = new Map(names.map((name) => [name, kept(name)]));
    const ask = names.filter((name) => !bound.get(name));
    if (ask.length > 0) {
      const sentAt = this.clock.now();
      let answers: BoundTag[] = [];
      const learned = await this.#question(ask, async () => {
        answers = await this.store.bindTags(ask, clock, ttlMs);
        return answers.map(({ version }) => version);
      });
      for (const [index, name] of ask.entries()) {
        const tag = learned.get(name);
        if (tag) tag.keptUntil = sentAt + (answers[index]?.keptMs ?? 0);
        bound.set(name, tag);
      }
    }
    return names.flatMap((name) => (this.poison.has(name) ? [] : (bound.get(name) ?? [])));
  }

  async #question(
    names: readonly string[],
    ask: () => Promise<(MarkVersion | undefined)[]>,
  ): Promise<Map<string, Tag>> {
    const { epoch } = this.bus;
    const watch = this.watch();
    try {
      const versions = await ask();
      const learned = new Map<string, Tag>();
      for (const [index, name] of names.entries()) {
        const version = versions[index];
        if (!version) continue;
        const tag = this.#same(name, version) ?? new Tag(name, version);
        learned.set(name, tag);
        // Good for this caller, who asked before; nobody else may rely on it.
        if (watch.invalidated.has(name) || epoch !== this.bus.epoch) tag.live = false;
        else this.#keep(tag);
      }
      return learned;
    } finally {
      watch.end();
    }
  }

  #get(name: string): Tag | undefined {
    if (this.#epoch !== this.bus.epoch) {
      this.#epoch = this.bus.epoch;
      this.#known.clear();
    }
    return this.#known.get(name);
  }

  /** The object that entries point to already, if it says the same. */
  #same(name: string, { hard, soft }: MarkVersion): Tag | undefined {
    const known = this.#get(name);
    return known?.version.hard === hard && known.version.soft === soft ? known : undefined;
  }

  #keep(tag: Tag): void {
    const known = this.#get(tag.name);
    if (known && known !== tag) this.#drop(known);
    bounded(this.#known, (oldest) => this.#drop(oldest)).set(tag.name, tag);
  }

  #drop(tag: Tag): void {
    tag.live = false;
    this.#known.delete(tag.name);
  }
}

/** Makes room for one more. */
function bounded(tags: Map<string, Tag>, forget: (tag: Tag) => void): Map<string, Tag> {
  for (const [name, oldest] of tags) {
    if (tags.size < MAX_TAGS) break;
    forget(oldest);
    tags.delete(name);
  }
  return tags;
}
