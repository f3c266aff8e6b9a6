/** Background releases: what nobody waits for, but must not stay in the store for a whole lease. */
import type { Clock } from '../time/index.js';
import { lockEvents } from './lock.events.js';
import type { LockClaim, LockStore } from './lock.store.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** What to delete, and for how long to insist. */
export interface ChaseTarget {
  readonly claim: LockClaim;
  /** Label for events. */
  readonly name: string;
  /** Milliseconds after which the lease has ended by itself. */
  readonly forMs: number;
  /**
   * False while the acquisition itself may still be on its way: then "it is not there" proves
   * nothing yet. True when only the release was left unanswered.
   */
  readonly absentIsFinal: boolean;
  /** It was only waiting: that it is not there is no news. */
  readonly waiting?: boolean;
  /** Keeps the lock taken, by nobody, for so long after the release. */
  readonly keepMs?: number;
}

/** Repeats compare-and-delete until it is confirmed or pointless. Never rejects. */
export class ReleaseChase {
  readonly #running = new Set<Promise<void>>();
  /** Ends the pause of each chase that makes one. */
  readonly #pauses = new Set<() => void>();
  #stopped = false;

  constructor(
    private readonly store: LockStore,
    private readonly clock: Clock,
    private readonly commandTimeoutMs: number,
  ) {}

  /** Starts one chase. */
  start(target: ChaseTarget): void {
    const run = this.#run(target).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when no chase is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Ends all chases after their present attempt: the store is about to be closed. */
  stop(): void {
    this.#stopped = true;
    for (const end of this.#pauses) end();
  }

  async #run({
    claim,
    name,
    forMs,
    absentIsFinal,
    waiting = false,
    keepMs = 0,
  }: ChaseTarget): Promise<void> {
    const until = this.clock.now() + forMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const reply = await this.#attempt(claim, keepMs);
      const done = reply === 'deleted' || (absentIsFinal && reply !== undefined);
      if (done || !(await this.#pause(pauseMs, until))) {
        const outcome = reply === 'deleted' ? reply : reply === undefined ? 'given-up' : 'absent';
        if (!waiting || outcome !== 'absent')
          lockEvents.emit('chase', () => ({ name, key: claim.key, outcome }));
        return;
      }
    }
  }

  async #attempt(claim: LockClaim, keepMs: number): Promise<string | undefined> {
    try {
      return await this.store.release(claim, { deadlineMs: this.commandTimeoutMs, keepMs });
    } catch {
      return undefined;
    }
  }

  /** False when there is no time left for another attempt. */
  async #pause(ms: number, until: number): Promise<boolean> {
    if (this.#stopped || this.clock.now() + ms >= until) return false;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const timer = this.clock.setTimer(end, ms);
      this.#pauses.add(end);
    });
    return !this.#stopped;
  }
}
