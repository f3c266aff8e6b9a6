/** One attempt to win a majority, by the rules of redsync: whoever did not win gives every vote back. */
import type { Clock } from '../time/index.js';
import { LockBackendError } from './lock.errors.js';
import type { AcquireCommand, ReleaseReply } from './lock.store.js';
import type { Ballot, RedlockMasters } from './redlock-masters.js';
import type { RedlockNode, Vote } from './redlock-node.js';
import { type Count, faultsOf, majorityOf, poll } from './redlock-poll.js';
import { releaseReply } from './redlock-verdicts.js';
import { type RedlockGrant, redlockScripts } from './redlock-scripts.js';
import { nodeTimeoutFor } from './redlock.options.js';
import { deadlineOf } from './store-lease.js';

/** How long a master remembers that somebody waits; a little more than waiters pause. */
const REFUSAL_MS = 400;

/** How it ended: `late` is a majority after the lease. */
type Outcome = 'granted' | 'refused' | 'late' | 'unusable';

/** What came of it. */
export interface AttemptResult {
  readonly acquired: boolean;
  /** What became of the lock to be given back in the same step. */
  readonly freed: ReleaseReply;
}

/** Asks all masters for their vote. */
export class RedlockAttempt implements Ballot {
  readonly #number: number;
  readonly #sentAt: number;
  readonly #longestLeaseMs: number;
  #outcome: Outcome | undefined;
  #isClosed = false;
  #missing: number;
  #count: Count<RedlockGrant> = { votes: [], answers: [], open: 0 };

  constructor(
    private readonly masters: RedlockMasters,
    private readonly nodes: readonly RedlockNode[],
    private readonly command: AcquireCommand,
    private readonly clock: Clock,
  ) {
    this.#number = masters.nextNumber();
    this.#sentAt = clock.now();
    this.#longestLeaseMs = masters.longestLease(command.leaseMs);
    this.#missing = nodes.length;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** @throws LockBackendError `E_LOCK_BACKEND` when too few masters answered, or too late */
  async run(deadlineMs: number): Promise<AttemptResult> {
    const { leaseMs, owner, frees } = this.command;
    if (frees !== undefined) this.masters.closeBallot(frees);
    this.masters.opened(owner, this);
    const timeoutMs = Math.min(deadlineMs, nodeTimeoutFor(this.masters.settings, leaseMs));
    const outcome = await poll(this.nodes, {
      ask: (node) => this.#ask(node, timeoutMs),
      decide: (count) => this.#decide(count),
      after: (vote) => this.#settle(vote),
    });
    switch (outcome) {
      case 'granted':
      case 'refused':
        return { acquired: outcome === 'granted', freed: this.#freed };
      case 'late':
        throw this.#failure('a majority voted, but not before the end of the lease');
      case 'unusable':
        throw this.#failure(faultsOf(this.#count.votes, this.nodes));
    }
  }

  #ask(node: RedlockNode, deadlineMs: number): Promise<Vote<RedlockGrant>> {
    const { key, owner, leaseMs, queue, frees = '' } = this.command;
    const { keys } = node.connection;
    const { restartDelayMs = this.#longestLeaseMs } = this.masters.settings;
    const refusalMs = queue ? REFUSAL_MS : 0;
    return node.ask(redlockScripts.acquire, {
      keys: [keys.key('redlock', key), keys.key('redlock', key, 'wanted')],
      args: [owner, this.#number, Math.ceil(leaseMs), frees, refusalMs],
      deadlineMs,
      restartDelayMs,
    });
  }

  #decide(count: Count<RedlockGrant>): Outcome | undefined {
    this.#count = count;
    this.#outcome = this.#outcomeOf(count);
    return this.#outcome;
  }

  #outcomeOf({ answers, open }: Count<RedlockGrant>): Outcome | undefined {
    const majority = majorityOf(this.nodes);
    const yes = answers.filter(({ granted }) => granted).length;
    if (yes >= majority) {
      const isInTime = this.clock.now() < deadlineOf(this.#sentAt, this.command.leaseMs);
      return isInTime ? 'granted' : 'late';
    }
    if (yes + open >= majority) return undefined;
    if (answers.length >= majority) return 'refused';
    return answers.length + open >= majority ? undefined : 'unusable';
  }

  /** After the decision, for each vote: what this attempt left behind, and nobody wants, is taken back. */
  #settle(vote: Vote<RedlockGrant>): void {
    const { owner, frees, leaseMs } = this.command;
    const until = this.clock.now() + leaseMs;
    const mayHold = 'answer' in vote ? vote.answer.granted : vote.executed === 'unknown';
    const isWanted = this.#outcome === 'granted' && !this.#isClosed;
    if (mayHold && !isWanted) this.#owe(vote.node, owner, until);
    if (--this.#missing === 0) this.masters.counted(owner, this);
    if (frees !== undefined && 'fault' in vote)
      this.#owe(vote.node, frees, this.clock.now() + this.#longestLeaseMs);
  }

  #owe(node: RedlockNode, owner: string, until: number): void {
    const key = node.connection.keys.key('redlock', this.command.key);
    // Not a number of its own: the next attempt of this owner may be on its way already.
    const number = this.#number + 1;
    const since = this.#sentAt - (owner === this.command.owner ? 0 : this.#longestLeaseMs);
    this.masters.owe(node, { key, owner, number, since, until });
  }

  get #freed(): ReleaseReply {
    const { answers } = this.#count;
    return releaseReply(answers.filter(({ freed }) => freed).length, answers.length, this.nodes);
  }

  /** Nothing stays behind: what may have been executed is taken back by the masters' debts. */
  #failure(problem: string): LockBackendError {
    return new LockBackendError(problem, { executed: 'no' });
  }
}
