/** One load of a missing value, from the question to Redis to an answer for everybody who waits. */
import { Inject, Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { CacheFiller } from './cache-filler.js';
import { CacheLeases, type TakenLease } from './cache-leases.js';
import { CacheMemory, type Recalled, type Since } from './cache-memory.js';
import { CacheReader, type Reading } from './cache-reader.js';
import { CacheRefresher } from './cache-refresher.js';
import type { CacheRegion } from './cache-region.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { FactoryRunner } from './factory-runner.js';
import { type FoundValue, type Outcome, settle } from './found-value.js';
import type { LoadRequest } from './load-request.js';

/** A waiter asks again after so many milliseconds, then ever more seldom, always with jitter. */
const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 100;

/** A value that may be served in place of an error, until then. */
interface Fallback {
  readonly outcome: Outcome;
  readonly until: number;
}

@Injectable()
export class CacheFlight {
  constructor(
    private readonly memory: CacheMemory,
    private readonly reader: CacheReader,
    private readonly leases: CacheLeases,
    private readonly filler: CacheFiller,
    private readonly runner: FactoryRunner,
    private readonly refresher: CacheRefresher,
    private readonly clock: Clock,
    private readonly random: Random,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /** Ends with a value: found, awaited from another process, loaded here, or stale. */
  async fly(request: LoadRequest, recalled: Recalled | undefined, since: Since): Promise<unknown> {
    const { region, key } = request;
    if (region.poison.has(key)) return this.#loadAlone(request, 'poisoned');
    const late = recalled?.state === 'late' ? fallback(recalled.entry.found) : undefined;
    if (region.definition.levels === 'l1')
      return this.#inSoftTime(request, late, () => this.filler.fillMemory(request, late?.outcome));
    const reading = await this.look(region, key, recalled);
    if (!reading) return this.#orStale(request, late, () => this.#loadAlone(request, 'backend'));
    return this.resolve(request, reading, since);
  }

  /** What Redis says: by the header alone if memory holds the value. Undefined when it does not answer. */
  async look(
    region: CacheRegion,
    key: string,
    recalled: Recalled | undefined,
  ): Promise<Reading | undefined> {
    try {
      const checked = recalled && (await this.reader.check(region, key, recalled.entry.found));
      if (checked) return { state: 'value', ...checked };
      return await this.reader.read(region, key);
    } catch {
      return undefined;
    }
  }

  /** Whether a value may be served at once. */
  servable({ lifetime: { freshUntil, staleUntil } }: FoundValue): boolean {
    return this.clock.now() < Math.max(freshUntil, staleUntil);
  }

  /** From what Redis said to an answer. */
  async resolve(request: LoadRequest, first: Reading, since: Since): Promise<unknown> {
    const { region, key, policy } = request;
    const startedAt = this.clock.now();
    const token = this.random.token();
    let stale: Fallback | undefined;
    let awaited: string | undefined;
    let delayMs = FIRST_POLL_MS;
    for (let reading: Reading | undefined = first; reading;) {
      if (reading.state === 'value') {
        if (this.servable(reading.found)) return settle(this.#hit(request, reading.found, since));
        stale = fallback(reading.found);
      }
      // The load that this call has waited for failed: so does this call.
      if (reading.state === 'failed' && reading.token === awaited) {
        if (this.#holds(stale)) return this.#serveStale(request, stale);
        throw reading.error;
      }
      const attempt = await this.leases.acquire(region, key, reading, token);
      if (attempt === 'failed') break;
      if (attempt === 'paused' && this.#holds(stale)) return this.#serveStale(request, stale);
      if (typeof attempt === 'object') return this.fill(request, attempt, reading);
      if (reading.state === 'leased') awaited = reading.token;
      const waitMs = Math.min(
        region.definition.singleFlight === 'cluster' ? this.options.lease.wait : 0,
        this.#holds(stale)
          ? (policy.timeout.soft ?? Number.POSITIVE_INFINITY)
          : Number.POSITIVE_INFINITY,
      );
      const leftMs = startedAt + waitMs - this.clock.now();
      if (leftMs <= 0) return this.#stopWaiting(request, startedAt, stale);
      if (reading.state === 'leased' || reading.state === 'value') {
        await this.clock.sleep(Math.min(leftMs, delayMs * (0.5 + this.random.next())));
        delayMs = Math.min(delayMs * 1.5, LONGEST_POLL_MS);
      }
      reading = await this.look(region, key, undefined);
      if (reading?.state === 'value') region.counters.wait(this.clock.now() - startedAt);
    }
    return this.#orStale(request, stale, () => this.#loadAlone(request, 'backend'));
  }

  /** Loads what was read as `reading` under a lease; a stale value steps in as far as it may. */
  fill(request: LoadRequest, lease: TakenLease, reading: Reading): Promise<unknown> {
    const stale = reading.state === 'value' ? fallback(reading.found) : undefined;
    return this.#inSoftTime(request, stale, () => this.filler.fill(request, lease, stale?.outcome));
  }

  #hit(request: LoadRequest, found: FoundValue, since: Since): Outcome {
    const { region, key } = request;
    region.counters.hit('l2');
    this.memory.remember(region, key, found, since);
    if (this.refresher.isDue(region, found)) this.refresher.start(request, found);
    return found.outcome;
  }

  /** Others had the lease for the whole wait: answers, but has no right to write. */
  async #stopWaiting(
    request: LoadRequest,
    startedAt: number,
    stale: Fallback | undefined,
  ): Promise<unknown> {
    const { region } = request;
    region.counters.wait(this.clock.now() - startedAt);
    if (this.#holds(stale)) return this.#serveStale(request, stale);
    const { value } = await this.runner.load(request);
    region.counters.fill('unleased');
    return value;
  }

  async #loadAlone(request: LoadRequest, reason: 'poisoned' | 'backend'): Promise<unknown> {
    request.region.counters.bypass(reason);
    return (await this.runner.load(request)).value;
  }

  /** With a stale value at hand a caller waits so long; the load goes on in the background. */
  async #inSoftTime(
    request: LoadRequest,
    stale: Fallback | undefined,
    load: () => Promise<unknown>,
  ): Promise<unknown> {
    const { soft } = request.policy.timeout;
    const result = this.#orStale(request, stale, load);
    if (soft === undefined || !this.#holds(stale)) return result;
    const timeout = new AbortController();
    const late = this.clock.sleep(soft, timeout.signal).then(
      () => this.#serveStale(request, stale),
      () => result,
    );
    void result.finally(() => timeout.abort()).catch(() => undefined);
    return Promise.race([result, late]);
  }

  async #orStale(
    request: LoadRequest,
    stale: Fallback | undefined,
    load: () => Promise<unknown>,
  ): Promise<unknown> {
    try {
      return await load();
    } catch (error) {
      if (!this.#holds(stale)) throw error;
      return this.#serveStale(request, stale);
    }
  }

  #holds(stale: Fallback | undefined): stale is Fallback {
    return stale !== undefined && this.clock.now() < stale.until;
  }

  #serveStale({ region }: LoadRequest, { outcome }: Fallback): unknown {
    region.counters.stale();
    return settle(outcome);
  }
}

function fallback({ outcome, lifetime }: FoundValue): Fallback {
  return { outcome, until: lifetime.errorUntil };
}
