/** The right to fill a missing entry: one holder per key in the whole cluster. */
import { Inject, Injectable } from '@nestjs/common';
import { Clock, type Timer } from '../time/index.js';
import type { Reading } from './cache-reader.js';
import type { FillLease } from './cache-record.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import { CacheStore, type EntryAddress, type StoredValue } from './cache.store.js';

/** A factory that never ends must not keep its lease for ever: at most so many extensions. */
const MAX_EXTENSIONS = 18;

type Unfilled = Exclude<Reading, { readonly state: 'value' }>;

@Injectable()
export class CacheLeases {
  constructor(
    private readonly store: CacheStore,
    private readonly clock: Clock,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {}

  /**
   * Takes the lease of a key that was read as `reading`, for the one load that drew `token`. `busy`:
   * somebody else has it, or a value came meanwhile. `failed`: Redis did not confirm it in time.
   * Such a lease may arrive there later, after the factory has read, so it gives no right to write.
   */
  async acquire(
    address: EntryAddress,
    reading: Unfilled,
    token: string,
  ): Promise<FillLease | 'busy' | 'failed'> {
    const lease = { stamp: reading.stamp, token };
    try {
      return (await this.#tryAcquire(address, reading, lease)) ? lease : 'busy';
    } catch {
      this.abandon(address, lease);
      return 'failed';
    }
  }

  async #tryAcquire(address: EntryAddress, reading: Unfilled, lease: FillLease): Promise<boolean> {
    const { ttl } = this.options.lease;
    switch (reading.state) {
      case 'absent':
        return this.store.acquire(address, lease, ttl);
      case 'dead':
        return this.store.replace(address, reading.record.header, lease, ttl);
      case 'leased':
        // Ours when the reply to the first sending was lost and the second one found it taken.
        return reading.record.token === lease.token;
    }
  }

  /** Keeps the lease while the load runs; call the result when it has ended. */
  extend(address: EntryAddress, lease: FillLease): () => void {
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
  abandon(address: EntryAddress, lease: FillLease): void {
    void this.store.abandon(address, lease).catch(() => undefined);
  }

  /** Writes the value if the lease still stands. */
  async fill(address: EntryAddress, value: StoredValue): Promise<'stored' | 'rejected' | 'failed'> {
    try {
      return (await this.store.fill(address, value)) ? 'stored' : 'rejected';
    } catch {
      this.abandon(address, value.lease);
      return 'failed';
    }
  }
}
