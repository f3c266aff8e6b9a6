/** What a leader does: section after section on one key, for as long as it leads. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaderElection, Lock, LockService } from 'nestjs-distributed';
import { monotonicMs } from '../monotonic.js';
import type { Resource } from './resource.js';
import { emptyTally } from './section-load.js';
import type { LeaderSettings, Tally } from './worker-contract.js';

const SLEEP_MS = 4;
/** Until one that does not lead looks again. */
const PAUSE_MS = 5;

/** Takes part in an election, and works when it leads. */
export class LeaderLoad {
  readonly #tally = emptyTally();
  readonly #election: LeaderElection;
  readonly #done: Promise<void>;
  #operations = 0;
  #stopped = false;

  constructor(
    locks: LockService,
    private readonly resource: Resource,
    private readonly processName: string,
    private readonly settings: LeaderSettings,
  ) {
    this.#election = locks.election('torture', { lease: settings.leaseMs });
    this.#election.join();
    this.#done = this.#work();
  }

  get leads(): boolean {
    return this.#election.isLeader;
  }

  /** Blocks the event loop; whether it claims to lead on the next statement. */
  claimsAfter(ms: number): boolean {
    const until = monotonicMs() + ms;
    while (monotonicMs() < until);
    return this.#election.isLeader;
  }

  /** Resolves after the present section; goes on taking part in the election. */
  async stop(): Promise<Tally> {
    this.#stopped = true;
    await this.#done;
    return this.#tally;
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (await this.#election.execute((lock) => this.#section(lock))) continue;
      } catch (error) {
        this.#count(error);
      }
      await delay(PAUSE_MS);
    }
  }

  async #section(lock: Lock): Promise<boolean> {
    const now = monotonicMs();
    const visit = {
      key: this.settings.key,
      fence: lock.fencingToken,
      process: this.processName,
      operation: this.#operations++,
      invokedAt: now,
      grantedAt: now,
    };
    const reading = await this.resource.enter(visit);
    await delay(SLEEP_MS);
    await this.resource.leave(visit, reading);
    this.#tally.sections++;
    return true;
  }

  #count(error: unknown): void {
    if ((error as { code?: unknown }).code === 'E_LOCK_LOST') this.#tally.losses++;
    else this.#tally.unexpected.push(error instanceof Error ? (error.stack ?? '') : String(error));
  }
}
