/** Makes records of values and errors: lifetimes with jitter, tags as they are now, bytes. */
import { Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { compressed, type EncodedValue } from './cache-codec.js';
import type { CacheRegion } from './cache-region.js';
import { EntryFlag, type FillLease, formatEntry, keyCheck } from './entry-format.js';
import { isNegative } from './factory-runner.js';
import { type StaleTimes, storedFor } from './lifetime.js';
import { type Tag, TagBook } from './tag-book.js';

/** How long a value lives. */
export interface Span extends StaleTimes {
  readonly freshMs: number;
  /** How long Redis keeps it: the stale times are added. */
  readonly ttlMs: number;
}

/** What a record of a value is made of. */
export interface ValueParts {
  readonly lease: FillLease;
  readonly span: StaleTimes;
  readonly tags: readonly Tag[];
  readonly encoded: EncodedValue;
  readonly loadMs: number;
}

/** Of errors, and of values that say that there is none: not worth serving stale. */
export const NO_STALE_TIMES: StaleTimes = { staleWhileRevalidate: 0, staleIfError: 0 };

@Injectable()
export class EntryBuilder {
  constructor(
    private readonly tags: TagBook,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Of a value with a lifetime of `ttlMs`: jitter makes it shorter, never longer. */
  span({ definition }: CacheRegion, stale: StaleTimes, value: unknown, ttlMs: number): Span {
    const { staleWhileRevalidate, staleIfError } = isNegative(value) ? NO_STALE_TIMES : stale;
    const times = { staleWhileRevalidate, staleIfError };
    const freshMs = Math.max(1, Math.ceil(ttlMs * (1 - this.random.next() * definition.jitter)));
    return { ...times, freshMs, ttlMs: storedFor(freshMs, times) };
  }

  /**
   * The tags of a value that was made since `clock`. `rejected`: one of them was invalidated since,
   * so the value may be too old. `failed`: Redis does not say.
   */
  async bind(
    names: readonly string[],
    clock: number,
    ttlMs: number,
  ): Promise<readonly Tag[] | 'rejected' | 'failed'> {
    if (names.length === 0) return [];
    try {
      const tags = await this.tags.bind(names, clock, ttlMs);
      const late = tags.some(({ version: { hard, soft } }) => Math.max(hard, soft) > clock);
      return late || tags.length < names.length ? 'rejected' : tags;
    } catch {
      return 'failed';
    }
  }

  /** The bytes of a value. */
  async value(region: CacheRegion, key: string, parts: ValueParts): Promise<Buffer> {
    const encoded = await compressed(parts.encoded, region.definition.compressFrom);
    const { lease, span, tags, loadMs } = parts;
    return this.#format(key, { kind: 'value', ...lease, ...span, tags, loadMs }, encoded);
  }

  /** The bytes of an error; `cached`: for everybody, not only for those who wait. */
  error(key: string, lease: FillLease, encoded: EncodedValue, cached: boolean): Buffer {
    const flags = encoded.flags | (cached ? EntryFlag.cachedError : 0);
    const rest = { kind: 'error', ...lease, ...NO_STALE_TIMES, tags: [], loadMs: 0 } as const;
    return this.#format(key, rest, { ...encoded, flags });
  }

  #format(
    key: string,
    header: Omit<Parameters<typeof formatEntry>[0], 'createdAt' | 'codec' | 'flags' | 'keyCheck'>,
    { codec, flags, payload }: EncodedValue,
  ): Buffer {
    const createdAt = this.clock.epochMs();
    return formatEntry({ ...header, createdAt, codec, flags, keyCheck: keyCheck(key) }, payload);
  }
}
