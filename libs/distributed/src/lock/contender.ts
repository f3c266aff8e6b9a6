/** One claim on its way to a lock: asks the store, and cleans up what it may have left there. */
import type { Clock } from '../time/index.js';
import type { LockBackend } from './lock-backend.js';
import { LockBackendError } from './lock.errors.js';
import type {
  AcquireCommand,
  AcquireReply,
  LockClaim,
  LockTarget,
  ReleaseReply,
} from './lock.store.js';
import { deadlineOf, type Grant } from './store-lease.js';

/** What one attempt may differ in. */
export type Attempt = Pick<AcquireCommand, 'leaseMs' | 'fences' | 'queue' | 'siblings' | 'frees'>;

/** Why an attempt did not get the lock, and what became of the lock it was to give back. */
export interface Refusal {
  readonly retryMs: number;
  readonly freed?: ReleaseReply | undefined;
}

const NOBODY: readonly string[] = [];

/**
 * Attempts share one token, so an attempt that was executed although its reply was lost is found
 * by the next one: same acquisition, same fencing token.
 */
export class Contender {
  readonly claim: LockClaim;
  #leaseMs = 0;
  /** What the last answer left in the store. */
  #standing: 'nothing' | 'waiting' | 'held' = 'nothing';
  #unanswered = false;

  constructor(
    private readonly backend: LockBackend,
    target: LockTarget,
    /** Label for events: that of the call it asks for. */
    public name = 'unnamed',
  ) {
    this.claim = { ...target, owner: backend.nextOwner() };
  }

  /**
   * Asks once.
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  async attempt(
    attempt: Attempt,
  ): Promise<(Grant & { freed?: ReleaseReply | undefined }) | Refusal> {
    const { clock, store, commandTimeoutMs } = this.backend;
    const { leaseMs, fences } = attempt;
    const sentAt = clock.now();
    this.#leaseMs = Math.max(this.#leaseMs, leaseMs);
    let reply: AcquireReply;
    try {
      const deadlineMs = Math.min(commandTimeoutMs, leaseMs);
      reply = await store.acquire(this.#command(attempt), { deadlineMs });
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    if (reply.acquired) this.#standing = 'held';
    else if (attempt.queue) this.#standing = 'waiting';
    if (!reply.acquired) return reply;
    assertInTime(clock, sentAt, leaseMs);
    const { fencingToken, freed } = reply;
    return { claim: this.claim, leaseMs, sentAt, fencingToken, fences, freed };
  }

  /**
   * Asks for several at once: all, or null when one of them is taken.
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  static async attemptAll(
    backend: LockBackend,
    contenders: readonly Contender[],
    { leaseMs, fences }: Pick<Attempt, 'leaseMs' | 'fences'>,
  ): Promise<Grant[] | null> {
    const { clock, store, commandTimeoutMs } = backend;
    const sentAt = clock.now();
    const commands = contenders.map(({ claim }) => ({ ...claim, leaseMs, fences, queue: false }));
    let tokens: readonly number[] | null | undefined;
    try {
      for (const contender of contenders) contender.#leaseMs = leaseMs;
      const deadlineMs = Math.min(commandTimeoutMs, leaseMs);
      tokens = await store.acquireAll?.(commands, { deadlineMs });
    } catch (error) {
      for (const contender of contenders) contender.#failed(error);
      throw error;
    }
    if (!tokens) return null;
    for (const contender of contenders) contender.#standing = 'held';
    assertInTime(clock, sentAt, leaseMs);
    return contenders.map(({ claim }, index) => {
      return { claim, leaseMs, sentAt, fencingToken: tokens[index] ?? 0, fences };
    });
  }

  /** Gives up. What attempts may have left in the store is deleted in the background. */
  abandon(): void {
    if (this.#standing === 'nothing' && !this.#unanswered) return;
    this.backend.chase.start({
      claim: this.claim,
      name: this.name,
      forMs: this.#leaseMs,
      // An unanswered attempt may be executed later than the first release.
      absentIsFinal: !this.#unanswered,
      waiting: this.#standing === 'waiting',
    });
  }

  /** Field by field, which costs a tenth of two spreads. */
  #command({ leaseMs, fences, queue, siblings = NOBODY, frees }: Attempt): AcquireCommand {
    const { key, limit, mode, owner } = this.claim;
    return { key, limit, mode, owner, leaseMs, fences, queue, siblings, frees };
  }

  #failed(error: unknown): void {
    const notExecuted = (error as { executed?: unknown } | null)?.executed === 'no';
    if (!notExecuted) this.#unanswered = true;
  }
}

function assertInTime(clock: Clock, sentAt: number, leaseMs: number): void {
  if (clock.now() < deadlineOf(sentAt, leaseMs)) return;
  throw new LockBackendError('the reply took longer than the lease', { executed: 'unknown' });
}

/** Tells the two answers of `attempt` apart. */
export function isGrant(answer: Grant | Refusal): answer is Grant {
  return 'claim' in answer;
}
