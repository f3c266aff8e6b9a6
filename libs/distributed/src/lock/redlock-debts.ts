/** Votes that one master may still keep for somebody who does not want them any more. */
import type { RedisScriptCall } from '../redis/index.js';
import type { Clock, Timer } from '../time/index.js';
import type { RedlockNode } from './redlock-node.js';
import { redlockScripts } from './redlock-scripts.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** A batch is one pipeline; more than this would hold up votes. */
const BATCH_SIZE = 100;

/** A vote to take back. */
export interface Debt {
  /** Key of the lock, as the master has it. */
  readonly key: string;
  readonly owner: string;
  /** Votes of commands with a smaller number are meant. */
  readonly number: number;
  /** On the local clock: nothing of it was sent before. */
  readonly since: number;
  /** On the local clock: when the vote has ended by itself. */
  readonly until: number;
  /** On the local clock: how long the lock stays taken, by nobody. */
  readonly keepUntil?: number;
}

/** Repeats releases until they are confirmed or pointless. Never rejects, keeps no process alive. */
export class RedlockDebts {
  readonly #open = new Map<string, Debt>();
  #isRunning = false;
  #isStopped = false;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;

  constructor(
    private readonly node: RedlockNode,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** How many votes it has to take back. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes one on. */
  add(debt: Debt): void {
    if (this.#isStopped) return;
    const id = `${debt.key} ${debt.owner}`;
    const known = this.#open.get(id);
    this.#open.set(id, known ? join(known, debt) : debt);
    if (!this.#isRunning) void this.#run();
  }

  /** Gives up: the votes end by themselves. */
  stop(): void {
    this.#isStopped = true;
    this.#open.clear();
    this.#pause?.timer.cancel();
    this.#pause?.end();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let pauseMs = FIRST_PAUSE_MS; this.#open.size > 0;) {
      const paid = await this.#pay();
      if (this.#open.size === 0) break;
      pauseMs = paid > 0 ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (paid < BATCH_SIZE) await this.#rest(pauseMs);
    }
    this.#isRunning = false;
  }

  /** One round; how many were settled. */
  async #pay(): Promise<number> {
    const now = this.clock.now();
    for (const [id, debt] of this.#open) if (debt.until <= now) this.#open.delete(id);
    const batch = [...this.#open].slice(0, BATCH_SIZE);
    if (batch.length === 0) return 0;
    const calls = batch.map(([, debt]) => callOf(debt, now));
    const vote = await this.node.askAll(redlockScripts.release, calls, this.timeoutMs);
    if ('fault' in vote) return 0;
    let paid = 0;
    for (const [index, [id, debt]] of batch.entries()) {
      if (this.#open.get(id) !== debt) continue;
      this.#open.delete(id);
      const deleted = vote.answer[index];
      // Nothing there proves nothing while an acquisition may still be on its way.
      if (deleted === true || (deleted === false && !this.node.doubtfulSince(debt.since))) paid++;
      // At the end: those behind it have their turn first.
      else this.#open.set(id, debt);
    }
    return paid;
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#pause = undefined;
        resolve();
      };
      this.#pause = { timer: this.clock.setTimer(end, ms), end };
    });
  }
}

/** Votes of one owner: the later number takes back both. */
function join(one: Debt, other: Debt): Debt {
  return {
    ...(one.number > other.number ? one : other),
    since: Math.min(one.since, other.since),
    until: Math.max(one.until, other.until),
  };
}

function callOf({ key, owner, number, keepUntil = 0 }: Debt, now: number): RedisScriptCall {
  const keepMs = Math.max(0, Math.ceil(keepUntil - now));
  return { keys: [key], args: [owner, number, keepMs] };
}
