/** A lock store in memory whose faults a spec decides: the port's double, never a product. */
import { LockBackendError } from '../../libs/distributed/src/lock/lock.errors.js';
import {
  type AcquireReply,
  type LockState,
  LockStore,
  type LockStoreListener,
} from '../../libs/distributed/src/lock/lock.store.js';
import { type LockModuleOptions, LockService } from '../../libs/distributed/src/lock/index.js';
import { FakeClock, SequenceRandom } from '../../libs/distributed/src/testing/fake-clock.js';
import type { Clock } from '../../libs/distributed/src/time/index.js';

/** What happens to one command: executed, then answered (or not). */
export type Fault =
  /** Refused before it was executed. */
  | 'refused'
  /** Executed, and the reply lost: the caller sees a timeout. */
  | 'reply-lost'
  /** Neither executed nor answered, for ever. */
  | 'hangs';

interface Holder {
  owner: string;
  fencingToken: number;
  expiresAt: number;
}

/** Keeps time with the spec's clock. `faults` are used up one per command; `always` stays. */
export class ScriptedLockStore extends LockStore {
  readonly holders = new Map<string, Holder>();
  /** `acquire key owner`, in order of arrival. */
  readonly commands: string[] = [];
  readonly faults: (Fault | undefined)[] = [];
  always: Fault | undefined;
  listener: LockStoreListener | undefined;
  #fence = 0;

  constructor(private readonly clock: Clock) {
    super();
  }

  async acquire(key: string, owner: string, leaseMs: number): Promise<AcquireReply> {
    return await this.#execute(`acquire ${key} ${owner}`, () => {
      const holder = this.#holderOf(key);
      if (holder && holder.owner !== owner) {
        return { acquired: false, remainingMs: holder.expiresAt - this.clock.now() };
      }
      const fencingToken = holder?.fencingToken ?? ++this.#fence;
      this.holders.set(key, { owner, fencingToken, expiresAt: this.clock.now() + leaseMs });
      return { acquired: true, fencingToken };
    });
  }

  async renew(key: string, owner: string, leaseMs: number): Promise<boolean> {
    return await this.#execute(`renew ${key} ${owner}`, () => {
      const holder = this.#holderOf(key);
      if (holder?.owner !== owner) return false;
      holder.expiresAt = Math.max(holder.expiresAt, this.clock.now() + leaseMs);
      return true;
    });
  }

  async release(key: string, owner: string): Promise<'deleted' | 'absent' | 'unsure'> {
    return await this.#execute(`release ${key} ${owner}`, () => {
      if (this.#holderOf(key)?.owner !== owner) return 'absent';
      this.holders.delete(key);
      this.listener?.freed(key, owner);
      return 'deleted';
    });
  }

  async query(key: string): Promise<LockState | null> {
    return await this.#execute(`query ${key}`, () => {
      const holder = this.#holderOf(key);
      return holder
        ? {
            owner: holder.owner,
            fencingToken: holder.fencingToken,
            remainingMs: holder.expiresAt - this.clock.now(),
          }
        : null;
    });
  }

  async watch(listener: LockStoreListener): Promise<void> {
    this.listener = listener;
  }

  async unwatch(): Promise<void> {
    this.listener = undefined;
  }

  /** Somebody else takes the key: after an expiry, or by force. */
  plant(key: string, owner: string, leaseMs: number): void {
    const fencingToken = ++this.#fence;
    this.holders.set(key, { owner, fencingToken, expiresAt: this.clock.now() + leaseMs });
  }

  /** Commands of one kind. */
  sent(kind: string): string[] {
    return this.commands.filter((command) => command.startsWith(`${kind} `));
  }

  async #execute<T>(command: string, execute: () => T): Promise<T> {
    this.commands.push(command);
    const fault = this.faults.length > 0 ? this.faults.shift() : this.always;
    if (fault === 'refused') throw new LockBackendError('refused', { executed: 'no' });
    if (fault === 'hangs') return await new Promise<never>(() => {});
    const reply = execute();
    if (fault === 'reply-lost') throw new LockBackendError('reply lost', { executed: 'unknown' });
    return reply;
  }

  #holderOf(key: string): Holder | undefined {
    const holder = this.holders.get(key);
    if (holder && holder.expiresAt <= this.clock.now()) this.holders.delete(key);
    return this.holders.get(key);
  }
}

/** A service on such a store, on a clock the spec moves. */
export function scriptedLocks(options: LockModuleOptions = {}): {
  clock: FakeClock;
  store: ScriptedLockStore;
  locks: LockService;
} {
  const clock = new FakeClock();
  const store = new ScriptedLockStore(clock);
  const locks = new LockService(store, clock, new SequenceRandom(), options);
  return { clock, store, locks };
}

/** How a promise ends, readable at any time: no unhandled rejection while a spec moves the clock. */
export function watched<T>(promise: Promise<T>): {
  readonly promise: Promise<T>;
  state: 'pending' | 'fulfilled' | 'rejected';
  value?: T;
  error?: unknown;
} {
  const result: ReturnType<typeof watched<T>> = { promise, state: 'pending' };
  promise.then(
    (value) => Object.assign(result, { state: 'fulfilled', value }),
    (error: unknown) => Object.assign(result, { state: 'rejected', error }),
  );
  return result;
}
