/** Keeps the leases of this process alive, and declares those over whose time has come. */
import { Agenda } from '../time/index.js';
import type { LockBackend } from './lock-backend.js';
import { lockEvents } from './lock.events.js';
import type { StoreLease } from './store-lease.js';

/** Renewals per lease: two may fail before the lease is in danger. Redisson uses the same. */
const RENEWALS_PER_LEASE = 3;
const FIRST_RETRY_MS = 50;
/** Renewals that are due within this part of their lease go out together. */
const BATCH_WINDOW = 0.02;
/** A batch is one pipeline; more than this would hold up other commands. */
const BATCH_SIZE = 100;

/** Locks come and go faster than a timer is made. */
const LINGERS = { lingers: true };

/** A lease in care. */
interface Charge {
  readonly lease: StoreLease;
  renewAt: number;
  failures: number;
}

/** One per application: one timer for all deadlines, one for all renewals. */
export class LockWatchdog {
  readonly #charges = new Map<string, Charge>();
  readonly #deadlines: Agenda<Charge>;
  readonly #renewals: Agenda<Charge>;

  constructor(private readonly backend: LockBackend) {
    const { clock } = backend;
    this.#deadlines = new Agenda<Charge>(
      clock,
      ({ lease }) => lease.deadline,
      (due) => {
        for (const charge of due) this.#overdue(charge);
      },
      LINGERS,
    );
    this.#renewals = new Agenda<Charge>(
      clock,
      ({ renewAt }) => renewAt,
      (due) => this.#renewAll(due),
      LINGERS,
    );
  }

  /** The lease of this owner, if it is in care. */
  find(owner: string): StoreLease | undefined {
    return this.#charges.get(owner)?.lease;
  }

  /** Takes a lease into care; it is renewed at every third of it, if it is renewed at all. */
  keep(lease: StoreLease): void {
    const { clock } = this.backend;
    const renewAt = clock.now() + lease.leaseMs / RENEWALS_PER_LEASE;
    const charge: Charge = { lease, renewAt, failures: 0 };
    this.#charges.set(lease.claim.owner, charge);
    this.#deadlines.add(charge);
    if (lease.renewed) this.#renewals.add(charge);
  }

  /** Leaves a lease to itself. Idempotent. */
  drop(lease: StoreLease): void {
    const charge = this.#charges.get(lease.claim.owner);
    if (!charge) return;
    this.#charges.delete(lease.claim.owner);
    this.#deadlines.delete(charge);
    this.#renewals.delete(charge);
  }

  /** No lease is kept any more, and none will come. */
  stop(): void {
    this.#charges.clear();
    this.#deadlines.clear();
    this.#renewals.clear();
  }

  /**
   * Renews one lease now.
   * @returns false when the store says that the lock belongs to somebody else
   * @throws LockBackendError `E_LOCK_BACKEND`
   */
  async renew(lease: StoreLease, leaseMs: number): Promise<boolean> {
    const [result] = await this.#send([lease], leaseMs);
    if (result?.status === 'fulfilled') return result.value;
    throw result?.reason;
  }

  #overdue(charge: Charge): void {
    // Timers may fire early, by rounding.
    if (charge.lease.remaining > 0) this.#deadlines.add(charge);
    else charge.lease.lose('expired');
  }

  #renewAll(due: Charge[]): void {
    const now = this.backend.clock.now();
    for (const charge of this.#charges.values()) {
      const windowMs = charge.lease.leaseMs * BATCH_WINDOW;
      if (charge.renewAt > now && charge.renewAt <= now + windowMs && this.#renewals.delete(charge))
        due.push(charge);
    }
    for (let start = 0; start < due.length; start += BATCH_SIZE)
      void this.#renewBatch(due.slice(start, start + BATCH_SIZE));
  }

  async #renewBatch(batch: Charge[]): Promise<void> {
    const startedAt = this.backend.clock.now();
    const results = await this.#send(batch.map(({ lease }) => lease));
    for (const [index, charge] of batch.entries()) {
      // Lost, released or passed on meanwhile: nobody asks any more.
      if (this.#charges.get(charge.lease.claim.owner) !== charge) continue;
      const result = results[index];
      if (result?.status === 'rejected') this.#retry(charge, result.reason);
      else if (result?.value) this.#plan(charge, startedAt);
      else charge.lease.lose('revoked');
    }
  }

  #plan(charge: Charge, startedAt: number): void {
    charge.failures = 0;
    charge.renewAt = startedAt + charge.lease.leaseMs / RENEWALS_PER_LEASE;
    this.#renewals.add(charge);
  }

  /** Repeated quickly; the lease itself, not the watchdog, decides when it is too late. */
  #retry(charge: Charge, error: unknown): void {
    const { lease } = charge;
    const { key } = lease.claim;
    const { name } = lease;
    lockEvents.emit('renewFailed', () => ({ name, key, error, remainingMs: lease.remaining }));
    const longest = lease.leaseMs / RENEWALS_PER_LEASE / 2;
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** charge.failures++, longest);
    charge.renewAt = this.backend.clock.now() + pauseMs;
    this.#renewals.add(charge);
  }

  async #send(
    leases: readonly StoreLease[],
    leaseMs?: number,
  ): Promise<PromiseSettledResult<boolean>[]> {
    const { clock, store, commandTimeoutMs } = this.backend;
    const sentAt = clock.now();
    const shortest = Math.min(...leases.map(({ remaining }) => remaining));
    const deadlineMs = Math.max(1, Math.min(commandTimeoutMs, shortest));
    const commands = leases.map((lease) => ({ ...lease.claim, leaseMs: leaseMs ?? lease.leaseMs }));
    const results = await store.renew(commands, { deadlineMs });
    for (const [index, lease] of leases.entries()) {
      const result = results[index];
      if (result?.status === 'fulfilled' && result.value)
        lease.extend(sentAt, leaseMs ?? lease.leaseMs);
    }
    return results;
  }
}
