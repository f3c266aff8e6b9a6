/** Reads Redis, and decides whether what it finds still counts. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { decodeValue, decompressed } from './cache-codec.js';
import type { CacheRegion } from './cache-region.js';
import { CacheStore, type StoredEntry } from './cache.store.js';
import {
  type CacheEntry,
  EntryFlag,
  keyCheck,
  type MarkVersion,
  tokenMark,
} from './entry-format.js';
import type { FoundValue, Outcome } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import { type Lifetime, lifetimeOf, staleAt, type StaleTimes } from './lifetime.js';
import { decodeError } from './stored-error.js';
import { type Tag, TagBook } from './tag-book.js';

/** What Redis holds for a key. `generation`: what a record written now must carry. */
export type Reading = { readonly generation: MarkVersion } & (
  | { readonly state: 'value'; readonly found: FoundValue }
  /** Somebody loads it. */
  | { readonly state: 'leased'; readonly token: string }
  /** The load of `token` failed; for those who waited for it. */
  | {
      readonly state: 'failed';
      readonly token: string;
      readonly error: unknown;
      readonly identity: Buffer;
    }
  /** A record that no longer counts, to be replaced. */
  | { readonly state: 'dead'; readonly identity: Buffer }
  | { readonly state: 'absent' }
);

@Injectable()
export class CacheReader {
  constructor(
    private readonly store: CacheStore,
    private readonly bus: InvalidationBus,
    private readonly tags: TagBook,
    private readonly clock: Clock,
  ) {}

  /** Asks Redis. Rejects when it fails or does not answer within the read deadline. */
  async read(region: CacheRegion, key: string): Promise<Reading> {
    const sentAt = this.clock.now();
    const known = this.#knownGeneration(region);
    // Side by side, not one after the other: the generation costs no further round trip.
    const [generation, stored] = await Promise.all([
      known ?? this.#askGeneration(region),
      this.store.read({ cache: region.name, key }),
    ]);
    return this.#judge(region, key, { stored, generation, known, sentAt });
  }

  /** Several keys in one round trip. */
  async readMany(region: CacheRegion, keys: readonly string[]): Promise<Reading[]> {
    const sentAt = this.clock.now();
    const known = this.#knownGeneration(region);
    const [generation, entries] = await Promise.all([
      known ?? this.#askGeneration(region),
      this.store.readMany(keys.map((key) => ({ cache: region.name, key }))),
    ]);
    return Promise.all(
      keys.map((key, index) =>
        this.#judge(region, key, { stored: entries[index], generation, known, sentAt }),
      ),
    );
  }

  /**
   * Whether the value in memory is still the stored one: moves a header, not the value. Undefined
   * when it is not; else the value with the lifetime and the tags it has now.
   */
  async check(
    region: CacheRegion,
    key: string,
    found: FoundValue,
  ): Promise<{ readonly found: FoundValue; readonly generation: MarkVersion } | undefined> {
    const sentAt = this.clock.now();
    const names = found.tags.map(({ name }) => name);
    const [head, generation, tags] = await Promise.all([
      this.store.head({ cache: region.name, key }),
      this.#knownGeneration(region) ?? this.#askGeneration(region),
      this.tags.learn(names, this.#trusting(region)),
    ]);
    const { token, loadMs, remainingMs } = head;
    if (token === undefined || tokenMark(token) !== found.mark) return undefined;
    const verdict = verdictOf(found, generation, tags);
    if (!verdict) return undefined;
    const lifetime = aged(found, remainingMs, verdict, sentAt);
    return { found: { ...found, token, loadMs, lifetime, tags: verdict.tags }, generation };
  }

  /** The generation of a record written now. */
  async generation(region: CacheRegion): Promise<MarkVersion> {
    return this.#knownGeneration(region) ?? this.#askGeneration(region);
  }

  async #judge(
    region: CacheRegion,
    key: string,
    question: {
      readonly stored: StoredEntry | undefined;
      readonly generation: MarkVersion;
      readonly known: MarkVersion | undefined;
      readonly sentAt: number;
    },
  ): Promise<Reading> {
    const { stored, known, sentAt } = question;
    let { generation } = question;
    if (!stored) return { state: 'absent', generation };
    const { entry, identity } = stored;
    // A record of another generation than the known one: perhaps the known one is out of date.
    if (known && entry && !same(entry.generation, known))
      generation = await this.#askGeneration(region);
    if (!entry || entry.schema !== region.definition.version)
      return { state: 'dead', identity, generation };
    if (entry.kind === 'lease')
      return same(entry.generation, generation)
        ? { state: 'leased', token: entry.token, generation }
        : { state: 'dead', identity, generation };
    if (entry.keyCheck !== keyCheck(key)) return { state: 'dead', identity, generation };
    const names = entry.tags.map(({ name }) => name);
    const tags = await this.tags.learn(names, this.#trusting(region));
    const verdict = verdictOf(entry, generation, tags);
    const outcome = verdict && (await decoded(region, entry));
    if (!verdict || !outcome) return { state: 'dead', identity, generation };
    if (outcome.failure && !(entry.flags & EntryFlag.cachedError))
      return {
        state: 'failed',
        token: entry.token,
        error: outcome.failure.error,
        identity,
        generation,
      };
    const lifetime = aged(entry, stored.remainingMs, verdict, sentAt);
    const { token, loadMs, staleWhileRevalidate, staleIfError } = entry;
    const found: FoundValue = {
      outcome,
      token,
      mark: tokenMark(token),
      loadMs,
      staleWhileRevalidate,
      staleIfError,
      generation: entry.generation,
      tags: verdict.tags,
      lifetime,
      encodedLength: outcome.encodedLength,
    };
    return { state: 'value', found, generation };
  }

  /** A cache of L2 alone, or a strong one, promises more than the bus can keep: it always asks. */
  #trusting({ definition: { levels, consistency } }: CacheRegion): boolean {
    return levels !== 'l2' && consistency === 'bounded' && this.bus.fresh;
  }

  #knownGeneration(region: CacheRegion): MarkVersion | undefined {
    return this.#trusting(region) ? region.knownGeneration(this.bus.epoch) : undefined;
  }

  #askGeneration(region: CacheRegion): Promise<MarkVersion> {
    return region.learnGeneration(this.bus.epoch, () => this.store.generation(region.name));
  }
}

/** A record that counts; `stale` when it was expired by its cache or a tag. */
interface Verdict {
  readonly stale: boolean;
  readonly tags: readonly Tag[];
}

/** Undefined: the record does not count any more. A missing tag cannot say that it does. */
function verdictOf(
  record: Pick<CacheEntry, 'generation' | 'tags'>,
  generation: MarkVersion,
  tags: readonly (Tag | undefined)[],
): Verdict | undefined {
  if (record.generation.hard !== generation.hard) return undefined;
  let stale = record.generation.soft !== generation.soft;
  const current: Tag[] = [];
  for (const [index, { version }] of record.tags.entries()) {
    const tag = tags[index];
    if (tag?.version.hard !== version.hard) return undefined;
    stale ||= tag.version.soft !== version.soft;
    current.push(tag);
  }
  return { stale, tags: current };
}

function aged(times: StaleTimes, remainingMs: number, { stale }: Verdict, at: number): Lifetime {
  const lifetime = lifetimeOf(times, remainingMs, at);
  return stale ? staleAt(times, lifetime, at) : lifetime;
}

function same(a: MarkVersion, b: MarkVersion): boolean {
  return a.hard === b.hard && a.soft === b.soft;
}

/** Undefined for a damaged record. */
async function decoded(
  region: CacheRegion,
  entry: CacheEntry,
): Promise<(Outcome & { readonly encodedLength: number }) | undefined> {
  try {
    const plain = await decompressed(entry);
    const encodedLength = plain.payload.length;
    if (entry.kind === 'error')
      return { value: undefined, failure: { error: decodeError(plain) }, encodedLength };
    return { value: decodeValue(plain, region.definition.l1.isolation), encodedLength };
  } catch {
    return undefined;
  }
}
