/** Limits how many calls use a dependency at once, so that one slow neighbour cannot take all. */
import type { Clock, Timer } from '../time/index.js';
import { BulkheadFullError } from './resilience.errors.js';

/** Settings of a bulkhead. */
export interface BulkheadConfig {
  readonly maxConcurrent: number;
  /** Calls that may wait for a slot; 0: fail at once. */
  readonly maxQueue: number;
  /** How long a call may wait; undefined: until its total timeout or its caller ends it. */
  readonly maxWaitMs: number | undefined;
}

/** A call in the queue: end the wait with `cancel`, which is idempotent. */
export interface BulkheadWait {
  /** Resolves with true when the call has a slot, with false when it was cancelled. */
  readonly entered: Promise<boolean>;
  cancel(): void;
}

/** Counts of a bulkhead, for health pages and tests. */
export interface BulkheadSnapshot {
  readonly maxConcurrent: number;
  /** Slots in use, also by calls that timed out but have not ended. */
  readonly inUse: number;
  readonly queued: number;
}

interface Waiter {
  readonly enter: () => void;
}

/** A counting semaphore of one process with a first-in, first-out queue. */
export class Bulkhead {
  #config: BulkheadConfig;
  #inUse = 0;
  readonly #queue = new Set<Waiter>();

  constructor(
    private readonly name: string,
    config: BulkheadConfig,
    private readonly clock: Clock,
  ) {
    this.#config = config;
  }

  /** Takes a slot if one is free; while somebody waits none is, because slots are handed over. */
  tryEnter(): boolean {
    if (this.#inUse >= this.#config.maxConcurrent) return false;
    this.#inUse++;
    return true;
  }

  /**
   * Waits for a slot.
   * @throws BulkheadFullError `E_RESILIENCE_BULKHEAD_FULL` at once when the queue is full, or from
   * `entered` when `maxWaitMs` passes
   */
  wait(): BulkheadWait {
    if (this.#queue.size >= this.#config.maxQueue) throw this.#full();
    let cancel = (): void => undefined;
    const entered = new Promise<boolean>((resolve, reject) => {
      let timer: Timer | undefined;
      const leave = (): boolean => {
        timer?.cancel();
        return this.#queue.delete(waiter);
      };
      const waiter: Waiter = { enter: () => resolve(leave()) };
      cancel = () => {
        if (leave()) resolve(false);
      };
      this.#queue.add(waiter);
      if (this.#config.maxWaitMs === undefined) return;
      timer = this.clock.setTimer(() => {
        if (leave()) reject(this.#full());
      }, this.#config.maxWaitMs);
    });
    return { entered, cancel: () => cancel() };
  }

  /** Gives a slot back; it goes straight to the longest waiter, so nobody can overtake. */
  leave(): void {
    this.#inUse--;
    this.#admit();
  }

  /** Takes new settings; calls inside stay inside. */
  configure(config: BulkheadConfig): void {
    this.#config = config;
    this.#admit();
  }

  /** Counts at this moment. */
  snapshot(): BulkheadSnapshot {
    return {
      maxConcurrent: this.#config.maxConcurrent,
      inUse: this.#inUse,
      queued: this.#queue.size,
    };
  }

  #admit(): void {
    for (const waiter of this.#queue) {
      if (this.#inUse >= this.#config.maxConcurrent) return;
      this.#inUse++;
      waiter.enter();
    }
  }

  #full(): BulkheadFullError {
    const { maxConcurrent, maxQueue } = this.#config;
    return new BulkheadFullError(this.name, { maxConcurrent, maxQueue });
  }
}
