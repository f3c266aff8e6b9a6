/** The right to fill or refresh an entry: one holder per key in the whole cluster. */
import { Inject, Injectable } from '@nestjs/common';
import { Clock, type Timer } from '../time/index.js';
import type { Reading } from './cache-reader.js';
import type { CacheRegion } from './cache-region.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { CacheStore, type EntryAddress, type FailedLoad, type StoredValue } from './cache.store.js';
import type { FillLease } from './entry-format.js';

/** A lease taken, and the tags' clock at that moment: later than any earlier invalidation. */
export interface TakenLease {
  readonly address: EntryAddress;
  readonly lease: FillLease;
  readonly clock: number;
}

/**
 * `busy`: somebody else has the lease, or another record came meanwhile. `paused`: a refresh failed
 * a moment ago. `failed`: Redis did not confirm the lease in time.
 */
export type Refusal = 'busy' | 'paused' | 'failed';

/** A factory that never ends must not keep its lease for ever: at most so many extensions. */
const MAX_EXTENSIONS = 18;

@Injectable()
export class CacheLeases {
  constructor(
    private readonly store: CacheStore,
    private readonly clock: Clock,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /**
   * Takes the lease of a key that was read as `reading`, for the one load that drew `token`. A lease
   * that Redis did not confirm may arrive there later, after the factory has read, so it gives no
   * right to write.
   */
  async acquire(
    region: CacheRegion,
    key: string,
    reading: Reading,
    token: string,
  ): Promise<TakenLease | Refusal> {
    const address = { cache: region.name, key };
    const lease = { token, schema: region.definition.version, generation: reading.generation };
    try {
      // The clock is read before the factory runs: what is invalidated from then on is noticed.
      const [answer, clock] = await Promise.all([
        this.#tryAcquire(address, reading, lease),
        this.store.clock(),
      ]);
      return answer === 'leased' ? { address, lease, clock } : answer;
    } catch {
      this.abandon({ address, lease });
      return 'failed';
    }
  }

  async #tryAcquire(
    address: EntryAddress,
    reading: Reading,
    lease: FillLease,
  ): Promise<'leased' | Refusal> {
    const { ttl } = this.options.lease;
    const won = (taken: boolean): 'leased' | 'busy' => (taken ? 'leased' : 'busy');
    switch (reading.state) {
      case 'absent':
        return won(await this.store.acquire(address, lease, ttl));
      case 'dead':
      case 'failed':
        return won(await this.store.replace(address, reading.identity, lease, ttl));
      case 'leased':
        // Ours when the reply to the first sending was lost and the second one found it taken.
        return won(reading.token === lease.token);
      case 'value': {
        const { token } = reading.found;
        const answer = await this.store.refresh(address, token, lease, ttl);
        if (answer === 'failed') return 'paused';
        return answer === 'changed' ? 'busy' : answer;
      }
    }
  }

  /** Keeps the lease while the load runs; call the result when it has ended. */
  extend({ address, lease }: TakenLease): () => void {
    const { ttl } = this.options.lease;
    let left = MAX_EXTENSIONS;
    let timer: Timer;
    const schedule = (): void => {
      timer = this.clock.setTimer(() => {
        // A failure or a lost lease needs no handling: the fill is refused then.
        void this.store.extend(address, lease, ttl).catch(() => undefined);
        if (--left > 0) schedule();
      }, ttl / 3);
    };
    schedule();
    return () => timer.cancel();
  }

  /** Gives the lease back in the background; if that fails it runs out. */
  abandon(taken: Pick<TakenLease, 'address' | 'lease'>): void {
    void this.release(taken);
  }

  /** The same, awaited: whoever calls after that does not wait for this load. */
  async release(
    { address, lease }: Pick<TakenLease, 'address' | 'lease'>,
    failure?: FailedLoad,
  ): Promise<void> {
    await this.store.abandon(address, lease, failure).catch(() => undefined);
  }

  /** Writes the value if the lease still stands. */
  async fill(
    taken: TakenLease,
    value: Omit<StoredValue, 'token'>,
  ): Promise<'stored' | 'rejected' | 'failed'> {
    const { address, lease } = taken;
    try {
      const stored = await this.store.fill(address, { token: lease.token, ...value });
      return stored ? 'stored' : 'rejected';
    } catch {
      this.abandon(taken);
      return 'failed';
    }
  }
}
