/**
 * Stores what a factory returns, under a lease: the value with its tags, or for those who wait the
 * error. What may not be stored is returned all the same.
 */
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { CacheLeases, type TakenLease } from './cache-leases.js';
import { CacheMemory, type Since } from './cache-memory.js';
import type { CacheRegion } from './cache-region.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { EntryBuilder, NO_STALE_TIMES, type Span } from './entry-builder.js';
import { type FillLease, tokenMark } from './entry-format.js';
import { FactoryRunner, type Loaded } from './factory-runner.js';
import type { FoundValue, Outcome } from './found-value.js';
import { startingWith } from './lifetime.js';
import type { LoadRequest } from './load-request.js';
import { encodeError } from './stored-error.js';
import { TagBook } from './tag-book.js';

/** So long no other process repeats a refresh that failed. */
const FAILED_PAUSE_MS = 1_000;

@Injectable()
export class CacheFiller {
  constructor(
    private readonly runner: FactoryRunner,
    private readonly builder: EntryBuilder,
    private readonly leases: CacheLeases,
    private readonly memory: CacheMemory,
    private readonly tags: TagBook,
    private readonly clock: Clock,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /** Loads under a lease; Redis keeps the value only if the lease still stands then. */
  async fill(request: LoadRequest, taken: TakenLease, stale?: Outcome): Promise<unknown> {
    const { region, key } = request;
    const stopExtending = this.leases.extend(taken);
    // Its own fence: the load may outlive the callers that wait for it.
    const { since, end } = this.memory.watch(region, key);
    try {
      const loaded = await this.runner.load(request, stale);
      await this.#keep(request, taken, since, loaded);
      return loaded.value;
    } catch (error) {
      await this.#share(request, taken, since, error);
      throw error;
    } finally {
      end();
      stopExtending();
    }
  }

  /** The same for a value that was loaded together with others. */
  async keep(request: LoadRequest, taken: TakenLease, since: Since, loaded: Loaded): Promise<void> {
    await this.#keep(request, taken, since, loaded);
  }

  /** For a cache without L2. */
  async fillMemory(request: LoadRequest, stale?: Outcome): Promise<unknown> {
    const { region, key } = request;
    const { since, end } = this.memory.watch(region, key);
    const watch = this.tags.watch();
    try {
      const loaded = await this.runner.load(request, stale);
      const late = loaded.tags.some((name) => watch.invalidated.has(name));
      this.keepInMemory(request, since, loaded, late);
      return loaded.value;
    } finally {
      end();
      watch.end();
    }
  }

  /** Keeps a value that no other process will know; `late`: a tag of it was invalidated meanwhile. */
  keepInMemory(
    { region, key, policy }: LoadRequest,
    since: Since,
    { value, encoded, ttlMs, tags, loadMs }: Loaded,
    late: boolean,
  ): void {
    if (ttlMs === 0) return region.counters.fill('skipped');
    const rejected = since.fence.broken || late;
    region.counters.fill(rejected ? 'rejected' : 'stored');
    if (rejected) return;
    const span = this.builder.span(region, policy, value, ttlMs);
    this.#remember(region, key, since, {
      span,
      outcome: { value },
      lease: NO_LEASE,
      tags: tags.map((name) => this.tags.local(name)),
      loadMs,
      encodedLength: encoded.payload.length,
      at: this.clock.now(),
    });
  }

  async #keep(
    request: LoadRequest,
    taken: TakenLease,
    since: Since,
    loaded: Loaded,
  ): Promise<void> {
    const { region } = request;
    if (loaded.ttlMs === 0) {
      this.leases.abandon(taken);
      return region.counters.fill('skipped');
    }
    region.counters.fill(await this.#store(request, taken, since, loaded));
  }

  async #store(
    { region, key, policy }: LoadRequest,
    taken: TakenLease,
    since: Since,
    { value, encoded, tags: names, ttlMs, loadMs }: Loaded,
  ): Promise<'stored' | 'rejected' | 'failed'> {
    const { lease, clock } = taken;
    const span = this.builder.span(region, policy, value, ttlMs);
    const tags = await this.builder.bind(names, clock, span.ttlMs);
    if (typeof tags === 'string') {
      this.leases.abandon(taken);
      return tags;
    }
    const record = await this.builder.value(region, key, { lease, span, tags, encoded, loadMs });
    const at = this.clock.now();
    const outcome = await this.leases.fill(taken, { record, ttlMs: span.ttlMs });
    if (outcome === 'stored')
      this.#remember(region, key, since, {
        span,
        outcome: { value },
        lease,
        tags,
        loadMs,
        encodedLength: encoded.payload.length,
        at,
      });
    return outcome;
  }

  /** Gives the lease back, with the error for those who wait, or for everybody (`cacheErrors`). */
  async #share(
    { region, key, policy }: LoadRequest,
    taken: TakenLease,
    since: Since,
    error: unknown,
  ): Promise<void> {
    const { lease } = taken;
    const cachedMs = policy.cacheErrors?.(error) ?? 0;
    const ttlMs = cachedMs > 0 ? cachedMs : this.options.lease.wait;
    const encoded = encodeError(error, region.name);
    const record = encoded && ttlMs > 0 && this.builder.error(key, lease, encoded, cachedMs > 0);
    const failure = { record: record || undefined, ttlMs, pauseMs: FAILED_PAUSE_MS };
    if (!record || cachedMs <= 0) return this.leases.release(taken, failure);
    const at = this.clock.now();
    if ((await this.leases.fill(taken, { record, ttlMs })) !== 'stored') return;
    const span = { ...NO_STALE_TIMES, freshMs: ttlMs, ttlMs };
    const outcome = { value: undefined, failure: { error } };
    const encodedLength = record.length;
    const rest = { tags: [], loadMs: 0, encodedLength, at };
    this.#remember(region, key, since, { span, outcome, lease, ...rest });
  }

  #remember(
    region: CacheRegion,
    key: string,
    since: Since,
    parts: Pick<FoundValue, 'outcome' | 'tags' | 'loadMs' | 'encodedLength'> & {
      readonly span: Span;
      readonly lease: FillLease;
      readonly at: number;
    },
  ): void {
    const { span, lease, at, ...rest } = parts;
    const { staleWhileRevalidate, staleIfError, freshMs } = span;
    const found: FoundValue = {
      ...rest,
      staleWhileRevalidate,
      staleIfError,
      token: lease.token,
      mark: tokenMark(lease.token),
      generation: lease.generation,
      lifetime: startingWith(at + freshMs, span),
    };
    this.memory.remember(region, key, found, since);
  }
}

const NO_LEASE: FillLease = { token: '', schema: 0, generation: { hard: 0, soft: 0 } };
