/** Tasks that do what users do: lock, read, think, write, unlock, again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Lock, LockService } from 'nestjs-distributed';
import { monotonicMs } from '../monotonic.js';
import type { SeededRandom } from '../seeded-random.js';
import { hangs } from './hang-alarm.js';
import type { Resource } from './resource.js';
import type { Load, LockOptions, Tally } from './worker-contract.js';

const SLEEP_MS = 4;
/** A wait may last one command longer than asked, and a section has to talk to the resource. */
const HANG_SLACK_MS = 5_000;

/** What became of an error of the library. */
const OUTCOMES: Readonly<Record<string, 'waitTimeouts' | 'backendErrors' | 'losses'>> = {
  E_LOCK_WAIT_TIMEOUT: 'waitTimeouts',
  E_LOCK_BACKEND: 'backendErrors',
  E_LOCK_LOST: 'losses',
};

/** What runs a body under protection. */
interface Section {
  execute(body: (lock: Lock) => Promise<void>, options: LockOptions): Promise<void>;
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  const counts = { sections: 0, waitTimeouts: 0, backendErrors: 0, losses: 0, abandoned: 0 };
  return { ...counts, missedLosses: 0, hangs: 0, unexpected: [] };
}

/** Runs a load in this process. */
export class SectionLoad {
  readonly #tally = emptyTally();
  readonly #tasks: Promise<void>[];
  #operations = 0;
  #stopped = false;

  constructor(
    private readonly locks: LockService,
    private readonly resource: Resource,
    private readonly random: SeededRandom,
    private readonly processName: string,
    private readonly load: Load,
  ) {
    this.#tasks = Array.from({ length: load.tasks }, () => this.#task());
  }

  /** Resolves when all tasks have ended. */
  async stop(): Promise<Tally> {
    this.#stopped = true;
    await Promise.all(this.#tasks);
    return this.#tally;
  }

  async #task(): Promise<void> {
    while (!this.#stopped) {
      const key = this.random.pick(this.load.keys);
      const work = this.#section(key).catch((error: unknown) => this.#count(error));
      if (await hangs(work, this.load.waitMs + HANG_SLACK_MS)) {
        this.#tally.hangs++;
        return;
      }
      // It would come again at once, for ever.
      if (this.#tally.unexpected.length > 0) return;
    }
  }

  async #section(key: string): Promise<void> {
    const { leaseMs, waitMs, options } = this.load;
    const invokedAt = monotonicMs();
    const all = { lease: leaseMs, wait: waitMs, ...options };
    const body = (lock: Lock): Promise<void> => this.#body(key, invokedAt, lock);
    await this.#lockOf(key).execute(body, all);
  }

  /** The lock of a key, or the semaphore. */
  #lockOf(key: string): Section {
    const { permits } = this.load;
    if (permits !== undefined) {
      const semaphore = this.locks.semaphore(key, { limit: permits });
      return { execute: (body, options) => semaphore.execute(body, options) };
    }
    return { execute: (body, options) => this.locks.execute(key, body, options) };
  }

  async #body(key: string, invokedAt: number, lock: Lock): Promise<void> {
    const { sleepMs = SLEEP_MS, checkHeld = false, readOnly = false } = this.load;
    const visit = {
      key,
      fence: lock.fencingToken,
      process: this.processName,
      operation: this.#operations++,
      invokedAt,
      grantedAt: monotonicMs(),
    };
    const reading = await this.resource.enter(visit);
    await delay(sleepMs);
    this.#stall(lock);
    if (checkHeld && !isHeld(lock)) {
      this.#tally.abandoned++;
      return;
    }
    if (readOnly) await this.resource.enter(visit);
    else await this.resource.leave(visit, reading);
    this.#tally.sections++;
  }

  /** Blocks the event loop; no timer and no message can tell the lock meanwhile. */
  #stall(lock: Lock): void {
    const { stall, leaseMs } = this.load;
    if (!stall || this.random.next() >= stall.probability) return;
    const until = monotonicMs() + stall.ms;
    while (monotonicMs() < until);
    if (stall.ms > leaseMs && isHeld(lock)) this.#tally.missedLosses++;
  }

  #count(error: unknown): void {
    const { code } = error as { code?: unknown };
    const outcome = typeof code === 'string' ? OUTCOMES[code] : undefined;
    if (outcome) this.#tally[outcome]++;
    else this.#tally.unexpected.push(error instanceof Error ? (error.stack ?? '') : String(error));
  }
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}
