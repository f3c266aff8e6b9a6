/** A lock store in memory whose faults a spec decides: the port's double, never a product. */
import { LockBackendError } from '../../libs/distributed/src/lock/lock.errors.js';
import {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockState,
  LockStore,
  type LockStoreListener,
  type ReleaseReply,
  type RenewCommand,
  type StoreCallOptions,
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
  /** Neither executed nor answered: the caller sees a timeout. */
  | 'hangs';

interface Holder {
  owner: string;
  fencingToken: number;
  expiresAt: number;
}

/** Exclusive locks only. Keeps time with the spec's clock. `faults` are used up one per command; `always` stays. */
export class ScriptedLockStore extends LockStore {
  readonly holders = new Map<string, Holder>();
  readonly queues = new Map<string, string[]>();
  /** `acquire key owner`, in order of arrival. */
  readonly commands: string[] = [];
  readonly faults: (Fault | undefined)[] = [];
  always: Fault | undefined;
  listener: LockStoreListener | undefined;
  #fence = 0;

  constructor(private readonly clock: Clock) {
    super();
  }

  async acquire(command: AcquireCommand, options: StoreCallOptions): Promise<AcquireReply> {
    const { key, owner, leaseMs, fences, queue, frees } = command;
    return await this.#execute(`acquire ${key} ${owner}`, options, () => {
      let holder = this.#holderOf(key);
      const freed = frees && (holder?.owner === frees ? 'deleted' : 'absent');
      if (holder && holder.owner === frees) holder = undefined;
      const line = this.#queueOf(key);
      const first = line[0];
      if ((holder && holder.owner !== owner) || (!holder && first && first !== owner)) {
        if (queue && !line.includes(owner)) line.push(owner);
        if (!holder) {
          this.holders.delete(key);
          this.listener?.turn(line[0] as string);
        }
        const retryMs = holder ? holder.expiresAt - this.clock.now() : -1;
        return { acquired: false, retryMs, ...(freed && { freed }) };
      }
      this.#leave(key, owner);
      const fencingToken = holder?.fencingToken ?? this.#fence + 1;
      if (!holder) this.#fence += fences;
      this.holders.set(key, { owner, fencingToken, expiresAt: this.clock.now() + leaseMs });
      return { acquired: true, fencingToken, ...(freed && { freed }) };
    });
  }

  async renew(
    commands: readonly RenewCommand[],
    options: StoreCallOptions,
  ): Promise<PromiseSettledResult<boolean>[]> {
    return await Promise.allSettled(
      commands.map(({ key, owner, leaseMs }) =>
        this.#execute(`renew ${key} ${owner}`, options, () => {
          const holder = this.#holderOf(key);
          if (holder?.owner !== owner) return false;
          holder.expiresAt = Math.max(holder.expiresAt, this.clock.now() + leaseMs);
          return true;
        }),
      ),
    );
  }

  async release(
    { key, owner }: LockClaim,
    options: StoreCallOptions & { readonly keepMs?: number },
  ): Promise<ReleaseReply> {
    return await this.#execute(`release ${key} ${owner}`, options, () => {
      const wasFirst = this.#queueOf(key)[0] === owner;
      this.#leave(key, owner);
      if (this.#holderOf(key)?.owner !== owner) {
        if (wasFirst && !this.holders.has(key)) this.#wake(key);
        return 'absent';
      }
      if (options.keepMs) this.plant(key, 'kept', options.keepMs);
      else {
        this.holders.delete(key);
        this.#wake(key);
      }
      return 'deleted';
    });
  }

  async revoke({ key, owner }: LockClaim, options: StoreCallOptions): Promise<ReleaseReply> {
    return await this.#execute(`revoke ${key} ${owner}`, options, () => {
      if (this.#holderOf(key)?.owner !== owner) return 'absent';
      this.holders.delete(key);
      this.listener?.revoked(owner);
      this.#wake(key);
      return 'deleted';
    });
  }

  async query(key: string, options: StoreCallOptions): Promise<LockState | null> {
    return await this.#execute(`query ${key}`, options, () => {
      const holder = this.#holderOf(key);
      return holder
        ? {
            owner: holder.owner,
            fencingToken: holder.fencingToken,
            remainingMs: holder.expiresAt - this.clock.now(),
            waiters: this.#queueOf(key).length,
          }
        : null;
    });
  }

  async watch(_process: string, listener: LockStoreListener): Promise<void> {
    this.listener = listener;
  }

  async unwatch(): Promise<void> {
    this.listener = undefined;
  }

  /** The owner of the key disappears without a word. */
  vanish(key: string): void {
    this.holders.delete(key);
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

  async #execute<T>(
    command: string,
    { deadlineMs }: StoreCallOptions,
    execute: () => T,
  ): Promise<T> {
    this.commands.push(command);
    const fault = this.faults.length > 0 ? this.faults.shift() : this.always;
    if (fault === 'refused') throw new LockBackendError('refused', { executed: 'no' });
    if (fault === 'hangs') {
      await this.clock.sleep(deadlineMs);
      throw new LockBackendError('no reply', { executed: 'unknown' });
    }
    const reply = execute();
    if (fault === 'reply-lost') throw new LockBackendError('reply lost', { executed: 'unknown' });
    return reply;
  }

  #queueOf(key: string): string[] {
    let line = this.queues.get(key);
    if (!line) {
      line = [];
      this.queues.set(key, line);
    }
    return line;
  }

  #leave(key: string, owner: string): void {
    this.queues.set(
      key,
      this.#queueOf(key).filter((waiting) => waiting !== owner),
    );
  }

  #wake(key: string): void {
    const first = this.#queueOf(key)[0];
    if (first) this.listener?.turn(first);
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
