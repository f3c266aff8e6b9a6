/** Locks with a majority of independent Redis masters. */
import { type Clock, type Random, SystemClock, SystemRandom } from '../time/index.js';
import { LockFeatureError } from './lock.errors.js';
import {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockState,
  LockStore,
  type LockTarget,
  type ReleaseReply,
  type RenewCommand,
  type StoreCallOptions,
} from './lock.store.js';
import { RedlockAttempt } from './redlock-attempt.js';
import { RedlockMasters } from './redlock-masters.js';
import type { RedlockNode } from './redlock-node.js';
import { poll } from './redlock-poll.js';
import { type RedlockHolder, redlockScripts } from './redlock-scripts.js';
import { releaseOf, renewalOf, stateOf } from './redlock-verdicts.js';
import { nodeTimeoutFor, parseRedlockOptions, type RedlockOptions } from './redlock.options.js';

/** Nobody tells a waiter: it asks again after a pause of this length, at random. */
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 250;
/** Greater than the number of any command. */
const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

/**
 * For applications that must not depend on one Redis and can live with less than `RedisLockStore`
 * promises: no order of arrival, no fencing tokens (all are 0), no shared locks, no semaphores.
 * Waiters poll. See the guide before choosing it.
 *
 * @example
 * const nodes = ['redis://one', 'redis://two', 'redis://three'].map((url) => ({ url }));
 * DistributedModule.forRoot({ lock: { store: new RedlockStore({ nodes }) } })
 */
export class RedlockStore extends LockStore {
  override readonly keepsOrder = false;
  readonly #masters: RedlockMasters;

  /**
   * @param clock for deadlines and the validity of leases
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`
   */
  constructor(
    options: RedlockOptions,
    private readonly clock: Clock = new SystemClock(),
    private readonly random: Random = new SystemRandom(),
  ) {
    super();
    this.#masters = new RedlockMasters(parseRedlockOptions(options), clock, random);
  }

  async acquire(command: AcquireCommand, { deadlineMs }: StoreCallOptions): Promise<AcquireReply> {
    refuseFeatures(command);
    const nodes = await this.#masters.all(deadlineMs);
    const attempt = new RedlockAttempt(this.#masters, nodes, command, this.clock);
    const result = await attempt.run(deadlineMs);
    const freed = command.frees === undefined ? {} : { freed: result.freed };
    const retryMs = RETRY_MIN_MS + (RETRY_MAX_MS - RETRY_MIN_MS) * this.random.next();
    return result.acquired
      ? { acquired: true, fencingToken: 0, ...freed }
      : { acquired: false, retryMs, ...freed };
  }

  /** Counts the masters where the lock still stands; plants it nowhere again. */
  async renew(
    commands: readonly RenewCommand[],
    { deadlineMs }: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    if (commands.length === 0) return [];
    try {
      const nodes = await this.#masters.all(deadlineMs);
      return await this.#renew(nodes, commands, deadlineMs);
    } catch (reason) {
      return commands.map(() => ({ status: 'rejected', reason }));
    }
  }

  async release(
    claim: LockClaim,
    { deadlineMs, keepMs = 0 }: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    return await this.#takeBack(claim, this.#masters.nextNumber(), deadlineMs, keepMs);
  }

  /** The holder is not told: it learns it from its next renewal, within a third of its lease. */
  async revoke(claim: LockClaim, { deadlineMs }: StoreCallOptions): Promise<ReleaseReply> {
    return await this.#takeBack(claim, ANY_NUMBER, deadlineMs, 0);
  }

  async query(key: string, { deadlineMs }: StoreCallOptions): Promise<LockState | null> {
    const nodes = await this.#masters.all(deadlineMs);
    const call = { args: [], deadlineMs: this.#timeout(deadlineMs) };
    const result = await poll<RedlockHolder | null, { state: LockState | null } | Error>(nodes, {
      ask: (node) => node.ask(redlockScripts.query, { ...call, keys: [keyOf(node, key)] }),
      decide: (count) => stateOf(count, nodes),
    });
    if (result instanceof Error) throw result;
    return result.state;
  }

  /** There are no reports: waiters and holders ask. */
  async watch(): Promise<void> {}

  /** Ends the connections that are not yours, too. */
  async unwatch(): Promise<void> {
    await this.#masters.close();
  }

  #renew(
    nodes: readonly RedlockNode[],
    commands: readonly RenewCommand[],
    deadlineMs: number,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const leases = commands.map(({ leaseMs }) => leaseMs);
    this.#masters.longestLease(Math.max(...leases));
    const timeoutMs = this.#timeout(deadlineMs, Math.min(...leases));
    const number = this.#masters.nextNumber();
    return poll<readonly (boolean | undefined)[], PromiseSettledResult<boolean>[]>(nodes, {
      ask: (node) => {
        const calls = commands.map(({ key, owner, leaseMs }) => {
          return { keys: [keyOf(node, key)], args: [owner, number, Math.ceil(leaseMs)] };
        });
        return node.askAll(redlockScripts.renew, calls, timeoutMs);
      },
      decide: (count) => {
        const results = commands.map((_, index) => renewalOf(count, index, nodes));
        return results.every((result) => result !== undefined) ? results : undefined;
      },
    });
  }

  async #takeBack(
    { key, owner }: LockClaim,
    number: number,
    deadlineMs: number,
    keepMs: number,
  ): Promise<ReleaseReply> {
    const nodes = await this.#masters.all(deadlineMs);
    this.#masters.closeBallot(owner);
    const sentAt = this.clock.now();
    const longestMs = this.#masters.longestLease();
    const args = [owner, number, Math.ceil(keepMs)];
    const call = { args, deadlineMs: this.#timeout(deadlineMs) };
    const result = await poll<boolean, ReleaseReply | Error>(nodes, {
      ask: (node) => node.ask(redlockScripts.release, { ...call, keys: [keyOf(node, key)] }),
      decide: (count) => releaseOf(count, nodes),
      after: (vote) => {
        if ('answer' in vote) return;
        this.#masters.owe(vote.node, {
          key: keyOf(vote.node, key),
          owner,
          number,
          since: sentAt - longestMs,
          until: sentAt + longestMs,
          keepUntil: keepMs > 0 ? sentAt + keepMs : 0,
        });
      },
    });
    if (result instanceof Error) throw result;
    return result;
  }

  #timeout(deadlineMs: number, leaseMs?: number): number {
    return Math.min(deadlineMs, nodeTimeoutFor(this.#masters.settings, leaseMs));
  }
}

function keyOf(node: RedlockNode, key: string): string {
  return node.connection.keys.key('redlock', key);
}

/** @throws LockFeatureError `E_LOCK_FEATURE` */
function refuseFeatures({ limit, mode }: LockTarget): void {
  if (limit !== undefined) {
    const why =
      'with two permits, A and B can have the first of three masters, B and C the second, A and C ' +
      'the third: three holders, each with a majority';
    throw new LockFeatureError('RedlockStore', 'semaphores', why);
  }
  if (mode === 'shared') {
    const why =
      'masters that know nothing of each other cannot agree on the order of readers and writers';
    throw new LockFeatureError('RedlockStore', 'shared locks', why);
  }
}
