/** The masters of one Redlock: their connections, and what outlives a single command. */
import { RedisConnection } from '../redis/index.js';
import type { Clock, Random } from '../time/index.js';
import { LockBackendError } from './lock.errors.js';
import { type Debt, RedlockDebts } from './redlock-debts.js';
import { RedlockNode } from './redlock-node.js';
import { majorityOf, poll } from './redlock-poll.js';
import { nodeTimeoutFor, redlockPath, type RedlockSettings } from './redlock.options.js';

/** An election of which some votes have not come yet. */
export interface Ballot {
  /** Its winner does not want them any more. */
  close(): void;
}

/** Connected to with the first command, so that a store costs nothing until it is used. */
export class RedlockMasters {
  readonly #debts = new Map<RedlockNode, RedlockDebts>();
  #nodes: readonly RedlockNode[] | undefined;
  #met: Promise<unknown> | undefined;
  readonly #ballots = new Map<string, Ballot>();
  #isClosed = false;
  #number = 0;
  #longestLeaseMs = 0;

  constructor(
    readonly settings: RedlockSettings,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /**
   * All of them. The first call waits until a majority is there, or nobody else will be.
   * @throws LockBackendError `E_LOCK_BACKEND` after `close()`
   */
  async all(deadlineMs: number): Promise<readonly RedlockNode[]> {
    if (this.#isClosed)
      throw new LockBackendError('it has been closed with its application', { executed: 'no' });
    const nodes = (this.#nodes ??= this.#open());
    await (this.#met ??= poll(nodes, {
      ask: (node) => node.greet(deadlineMs),
      decide: ({ answers, open }) => answers.length >= majorityOf(nodes) || open === 0 || undefined,
    }));
    return nodes;
  }

  /**
   * The number of the next command. Masters compare them: a command undoes only what earlier commands
   * of the same owner did, in whatever order they arrive.
   */
  nextNumber(): number {
    return ++this.#number;
  }

  /** The longest lease this process has asked for, that of `leaseMs` included. */
  longestLease(leaseMs = 0): number {
    this.#longestLeaseMs = Math.max(this.#longestLeaseMs, leaseMs);
    return this.#longestLeaseMs;
  }

  /** Keeps an election in mind until its last vote has come. */
  opened(owner: string, ballot: Ballot): void {
    this.#ballots.set(owner, ballot);
  }

  /** All votes have come. */
  counted(owner: string, ballot: Ballot): void {
    if (this.#ballots.get(owner) === ballot) this.#ballots.delete(owner);
  }

  /** The owner gives back what he has: votes still to come included. */
  closeBallot(owner: string): void {
    this.#ballots.get(owner)?.close();
  }

  /** Takes a vote back, in the background. */
  owe(node: RedlockNode, debt: Debt): void {
    this.#debts.get(node)?.add(debt);
  }

  /** Ends what is ours. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const debts of this.#debts.values()) debts.stop();
    await Promise.all((this.#nodes ?? []).map((node) => node.close()));
  }

  #open(): RedlockNode[] {
    const { nodes } = this.settings;
    return nodes.map((options, index) => {
      const { clock, random } = this;
      const connection = RedisConnection.open(options, redlockPath(index), clock, random);
      const node = new RedlockNode(connection, clock);
      this.#debts.set(node, new RedlockDebts(node, clock, nodeTimeoutFor(this.settings)));
      return node;
    });
  }
}
