/** Acquires and releases at random and tells the parent each step, so that a history can be checked. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Lock, LockService } from 'nestjs-distributed';
import { emitToParent } from '../child-server.js';
import { monotonicMs } from '../monotonic.js';
import type { SeededRandom } from '../seeded-random.js';
import { emptyTally } from './section-load.js';
import type { HistoryEvent, HistoryLoad, Tally } from './worker-contract.js';

const SAMPLES_PER_LEASE = 8;

/** One process's part of a history. */
export class HistoryRecorder {
  readonly #tally = emptyTally();
  readonly #tasks: Promise<void>[];
  #operations = 0;
  #stopped = false;

  constructor(
    private readonly locks: LockService,
    private readonly random: SeededRandom,
    private readonly processName: string,
    private readonly load: HistoryLoad,
  ) {
    this.#tasks = Array.from({ length: load.tasks }, () => this.#task());
  }

  async stop(): Promise<Tally> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
    return this.#tally;
  }

  async #task(): Promise<void> {
    while (!this.#stopped) {
      const id = `${this.processName}-${this.#operations++}`;
      const key = this.random.pick(this.load.keys);
      const { leaseMs: lease, waitMs: wait } = this.load;
      tell({ type: 'acquire', id, key, at: monotonicMs() });
      try {
        const lock = await this.locks.acquire(key, { lease, wait });
        await this.#hold(lock, id, key);
      } catch {
        tell({ type: 'refused', id, key, at: monotonicMs() });
      }
    }
  }

  async #hold(lock: Lock, id: string, key: string): Promise<void> {
    const { fencingToken: fence } = lock;
    // The deadline first: a process may be frozen between two statements.
    const deadline = deadlineOf(lock);
    tell({ type: 'acquired', id, key, at: monotonicMs(), fence, deadline });
    const sampling = setInterval(() => {
      if (lock.held) tell({ type: 'held', id, key, deadline: deadlineOf(lock) });
    }, this.load.leaseMs / SAMPLES_PER_LEASE);
    await delay(this.random.next() * this.load.holdMs);
    clearInterval(sampling);
    tell({ type: 'release', id, key, at: monotonicMs() });
    const outcome = await lock.release();
    tell({ type: 'released', id, key, at: monotonicMs(), outcome });
    if (outcome !== 'released') this.#tally.losses++;
    else this.#tally.sections++;
  }
}

/** Never later than the true one: the clock is read first. */
export function deadlineOf(lock: Lock): number {
  const now = monotonicMs();
  return now + lock.remaining;
}

/** Tells the parent one step. */
export function tell(event: HistoryEvent): void {
  emitToParent(event);
}
