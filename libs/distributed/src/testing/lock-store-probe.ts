/** The hands of the conformance cases: short commands with keys and owners nobody else uses. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  AcquireCommand,
  AcquireReply,
  LockClaim,
  LockState,
  LockStore,
  ReleaseReply,
} from '../lock/lock.store.js';

/** The stores that one case works with. */
export interface LockStoreFixture {
  readonly store: LockStore;
  /** The same locks as seen by another process: an adapter of its own on the same backend. */
  readonly other: LockStore;
  /**
   * Lets time pass for the backend, where a test controls it (`FakeClock.advance`). Default: the
   * cases that need an expiry ask until it has happened.
   */
  advance?(ms: number): Promise<void>;
  /** Frees what `create` opened. The reports of both stores have been ended before. */
  close(): Promise<void>;
}

/** Long enough that no lease ends by accident. */
export const LEASE_MS = 30_000;
/** Short enough to see its end. */
export const SHORT_LEASE_MS = 150;
const WITHIN = { deadlineMs: 5_000 };
const PATIENCE_MS = 10_000;
const STEP_MS = 50;

/** Works with one fresh key. */
export class LockStoreProbe {
  readonly key = `conformance/${randomUUID()}`;
  readonly store: LockStore;
  readonly other: LockStore;
  readonly #case = randomUUID().replaceAll('-', '').slice(0, 12);
  readonly #reports: string[] = [];
  #arrived: (() => void) | undefined;

  constructor(
    private readonly fixture: LockStoreFixture,
    readonly fencing: boolean,
  ) {
    this.store = fixture.store;
    this.other = fixture.other;
  }

  /** The owner token `<process>:<number>` of a process named by one letter. */
  owner(short: string): string {
    return `${this.#case}${short}`;
  }

  /** One token, a long lease and no queue, unless said otherwise. */
  acquire(short: string, more: Partial<AcquireCommand> = {}): Promise<AcquireReply> {
    const owner = this.owner(short);
    const command = { key: this.key, owner, leaseMs: LEASE_MS, fences: 1, queue: false, ...more };
    return this.store.acquire(command, WITHIN);
  }

  /** Takes the lock, or fails the case; returns the fencing token. */
  async take(short: string, more: Partial<AcquireCommand> = {}): Promise<number> {
    const reply = await this.acquire(short, more);
    if (!reply.acquired) assert.fail(`${short} should have got the lock`);
    const { fencingToken } = reply;
    const isSound = this.fencing
      ? Number.isSafeInteger(fencingToken) && fencingToken > 0
      : fencingToken === 0;
    assert.ok(isSound, `the fencing token is ${fencingToken}`);
    return fencingToken;
  }

  /** Is refused the lock, or fails the case; returns `retryMs`. */
  async refused(short: string, more: Partial<AcquireCommand> = {}): Promise<number> {
    const reply = await this.acquire(short, more);
    if (reply.acquired) assert.fail(`${short} should not have got the lock`);
    return reply.retryMs;
  }

  /** Is refused and stands in the queue. */
  stand(short: string, more: Partial<AcquireCommand> = {}): Promise<number> {
    return this.refused(short, { queue: true, ...more });
  }

  release(short: string, keepMs = 0): Promise<ReleaseReply> {
    return this.store.release(this.#claim(short), { ...WITHIN, keepMs });
  }

  revoke(short: string): Promise<ReleaseReply> {
    return this.store.revoke(this.#claim(short), WITHIN);
  }

  query(store = this.store, key = this.key): Promise<LockState | null> {
    return store.query(key, WITHIN);
  }

  /** Renews several claims at once. A claim may name another key. */
  async renew(
    leaseMs: number,
    ...claims: (string | { short: string; key: string })[]
  ): Promise<boolean[]> {
    const commands = claims.map((claim) =>
      typeof claim === 'string'
        ? { ...this.#claim(claim), leaseMs }
        : { key: claim.key, owner: this.owner(claim.short), leaseMs },
    );
    const results = await this.store.renew(commands, WITHIN);
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  /** Milliseconds left of the present lease. */
  async remaining(): Promise<number> {
    return (await this.query())?.remainingMs ?? 0;
  }

  /** Who holds the key, in short; undefined for nobody. */
  async holder(): Promise<string | undefined> {
    return (await this.query())?.owner.replace(this.#case, '');
  }

  /** Starts reports to a process; they are kept until `nextReport`. */
  async watch(store: LockStore, process: string): Promise<void> {
    const report =
      (what: string) =>
      (owner: string): void => {
        this.#reports.push(`${what} ${owner.replace(this.#case, '')} at ${process}`);
        this.#arrived?.();
      };
    const listener = { turn: report('turn'), revoked: report('revoked'), resync: () => {} };
    await store.watch(this.owner(process), listener);
  }

  /** The next report to any of the watched processes. */
  async nextReport(): Promise<string> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (this.#reports.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.#arrived = resolve;
        const late = (): void => reject(new assert.AssertionError({ message: 'no report came' }));
        deadline.addEventListener('abort', late, { once: true });
      });
    }
    return this.#reports.shift() ?? '';
  }

  /** Lets time pass until `done`; asks every 50 ms, on whatever clock the backend has. */
  async until(done: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += STEP_MS) {
      if (await done()) return;
      await (this.fixture.advance?.(STEP_MS) ?? delay(STEP_MS));
    }
    assert.fail(`should have happened within ${PATIENCE_MS} ms`);
  }

  /** Ends the reports. */
  async close(): Promise<void> {
    await Promise.all([this.store.unwatch(), this.other.unwatch()]);
  }

  #claim(short: string): LockClaim {
    return { key: this.key, owner: this.owner(short) };
  }
}
