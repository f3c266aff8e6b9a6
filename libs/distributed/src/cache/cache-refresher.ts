/** Loads new values in the background, one load per key and cluster, while callers get the old one. */
import { Injectable } from '@nestjs/common';
import { Clock, Random } from '../time/index.js';
import { CacheFiller } from './cache-filler.js';
import { CacheLeases, type TakenLease } from './cache-leases.js';
import { CacheMemory, type Since } from './cache-memory.js';
import { CacheReader } from './cache-reader.js';
import type { CacheRegion } from './cache-region.js';
import { FactoryRunner } from './factory-runner.js';
import type { FoundValue } from './found-value.js';
import { InvalidationBus } from './invalidation-bus.js';
import type { LoadRequest } from './load-request.js';
import { refreshTime } from './refresh-ahead.js';

@Injectable()
export class CacheRefresher {
  constructor(
    private readonly memory: CacheMemory,
    private readonly reader: CacheReader,
    private readonly leases: CacheLeases,
    private readonly filler: CacheFiller,
    private readonly runner: FactoryRunner,
    private readonly bus: InvalidationBus,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Whether a value that memory does not keep is to be refreshed now. */
  isDue({ definition }: CacheRegion, { lifetime: { freshUntil }, loadMs }: FoundValue): boolean {
    const now = this.clock.now();
    if (now >= freshUntil) return true;
    if (definition.levels !== 'l2' || definition.refreshAhead === false) return false;
    // What a fraction of the lifetime is, only memory knows: here it is drawn at each read.
    const ahead = 'at' in definition.refreshAhead ? { beta: 1 } : definition.refreshAhead;
    return now >= refreshTime(ahead, { now, freshUntil, loadMs, random: this.random.next() });
  }

  /** Refreshes what was served as `found`, unless this process is at it already. Never rejects. */
  start(request: LoadRequest, found: FoundValue): void {
    const { region, key } = request;
    if (request.policy.background === false || region.refreshes.join(key)) return;
    // Whatever comes of it, the next attempt is not the next call's.
    this.memory.pause(region, key);
    void region.refreshes
      .start(key, (fence) => this.#refresh(request, found, { fence, epoch: this.bus.epoch }))
      .catch(() => undefined);
  }

  /** Loads and stores a new value now, and returns it. */
  async force(request: LoadRequest): Promise<unknown> {
    const { region } = request;
    if (region.definition.levels === 'l1') return this.filler.fillMemory(request);
    const lease = await this.#takeLease(request);
    if (lease) return this.filler.fill(request, lease);
    const { value } = await this.runner.load(request);
    region.counters.fill('unleased');
    return value;
  }

  async #takeLease({ region, key }: LoadRequest): Promise<TakenLease | undefined> {
    if (region.poison.has(key)) return undefined;
    try {
      const reading = await this.reader.read(region, key);
      const lease = await this.leases.acquire(region, key, reading, this.random.token());
      return typeof lease === 'object' ? lease : undefined;
    } catch {
      return undefined;
    }
  }

  async #refresh(request: LoadRequest, served: FoundValue, since: Since): Promise<void> {
    const { region, key } = request;
    if (region.poison.has(key)) return;
    if (region.definition.levels === 'l1') {
      await this.filler.fillMemory(request, served.outcome);
      return;
    }
    // Rejects when Redis does not answer: nothing could be stored then, so nothing is loaded.
    const reading = await this.reader.read(region, key);
    if (reading.state === 'value' && reading.found.mark !== served.mark)
      return this.memory.remember(region, key, reading.found, since);
    const lease = await this.leases.acquire(region, key, reading, this.random.token());
    if (typeof lease === 'object') await this.filler.fill(request, lease, served.outcome);
  }
}
