/** The locks that memory stores share: the same steps as the Redis scripts, in one turn each. */
import {
  type AcquireCommand,
  type AcquireReply,
  type LockClaim,
  type LockState,
  type LockStoreListener,
  type RenewCommand,
  WAITER_PATIENCE_MS,
} from '../lock/lock.store.js';
import type { Clock } from '../time/index.js';

interface Hold {
  readonly owner: string;
  /** The last of its reserved tokens. */
  readonly fence: number;
  /** On the store's clock. */
  until: number;
}

/** Holders and waiters by key. */
export class MemoryLocks {
  /** Who is told about the claims of which process. */
  readonly listeners = new Map<string, LockStoreListener>();
  readonly #holds = new Map<string, Hold>();
  /** In order of arrival; the value is the instant until which the place is kept. */
  readonly #queues = new Map<string, Map<string, number>>();
  /** One sequence for all keys, so that none has to be remembered. */
  #fence = 0;

  constructor(private readonly clock: Clock) {}

  /** See `LockStore.acquire`. */
  acquire(command: AcquireCommand): AcquireReply {
    const { key, owner, leaseMs, fences, queue, siblings = [], frees } = command;
    const found = this.#holdOf(key);
    const isFreed = found !== undefined && found.owner === frees;
    const freed = frees ? { freed: isFreed ? ('deleted' as const) : ('absent' as const) } : {};
    const hold = isFreed ? undefined : found;
    if (hold?.owner === owner) {
      this.#extend(hold, leaseMs);
      return { acquired: true, fencingToken: hold.fence - fences + 1, ...freed };
    }
    const first = this.#firstWaiter(key);
    if (!hold && (first === undefined || first === owner)) {
      this.#leave(key, owner);
      this.#fence += fences;
      this.#holds.set(key, { owner, fence: this.#fence, until: this.clock.now() + leaseMs });
      return { acquired: true, fencingToken: this.#fence - fences + 1, ...freed };
    }
    const retryMs = this.#retryMs(key, owner, hold, first);
    if (queue) this.#stand(key, owner, siblings);
    if (isFreed) this.#holds.delete(key);
    // Also when it has been told before: reports can be lost.
    if (!hold) this.#wake(key);
    return { acquired: false, retryMs, ...freed };
  }

  /** See `LockStore.renew`. */
  renew({ key, owner, leaseMs }: RenewCommand): boolean {
    const hold = this.#holdOf(key);
    if (hold?.owner !== owner) return false;
    this.#extend(hold, leaseMs);
    return true;
  }

  /** See `LockStore.release`; whether the claim held the lock. */
  release({ key, owner }: LockClaim, keepMs: number): boolean {
    const hold = this.#holdOf(key);
    if (hold?.owner !== owner) {
      if (this.#leave(key, owner) && !hold) this.#wake(key);
      return false;
    }
    if (keepMs > 0) {
      const { fence } = hold;
      this.#holds.set(key, { owner: `kept:${owner}`, fence, until: this.clock.now() + keepMs });
    } else {
      this.#holds.delete(key);
      this.#wake(key);
    }
    return true;
  }

  /** See `LockStore.revoke`; whether the claim held the lock. */
  revoke({ key, owner }: LockClaim): boolean {
    if (this.#holdOf(key)?.owner !== owner) return false;
    this.#holds.delete(key);
    this.#tell(owner, 'revoked');
    this.#wake(key);
    return true;
  }

  /** See `LockStore.query`. */
  query(key: string): LockState | null {
    const hold = this.#holdOf(key);
    if (!hold) return null;
    return {
      owner: hold.owner,
      fencingToken: hold.fence,
      remainingMs: hold.until - this.clock.now(),
      waiters: this.#queues.get(key)?.size ?? 0,
    };
  }

  #holdOf(key: string): Hold | undefined {
    const hold = this.#holds.get(key);
    if (!hold || hold.until > this.clock.now()) return hold;
    this.#holds.delete(key);
    return undefined;
  }

  #extend(hold: Hold, leaseMs: number): void {
    hold.until = Math.max(hold.until, this.clock.now() + leaseMs);
  }

  /** The first waiter that is alive; the dead in front of it go. */
  #firstWaiter(key: string): string | undefined {
    for (const [owner, until] of this.#queues.get(key) ?? []) {
      if (until > this.clock.now()) return owner;
      this.#leave(key, owner);
    }
    return undefined;
  }

  #retryMs(key: string, owner: string, hold: Hold | undefined, first: string | undefined): number {
    const isNext = first === undefined || first === owner;
    const until = isNext ? hold?.until : this.#queues.get(key)?.get(first);
    return (until ?? this.clock.now()) - this.clock.now();
  }

  /** Takes or keeps a place; a token that is there already stays where it is. */
  #stand(key: string, owner: string, siblings: readonly string[]): void {
    const queue = this.#queues.get(key) ?? new Map<string, number>();
    const until = this.clock.now() + WAITER_PATIENCE_MS;
    this.#queues.set(key, queue.set(owner, until));
    for (const sibling of siblings) if (queue.has(sibling)) queue.set(sibling, until);
  }

  #leave(key: string, owner: string): boolean {
    const queue = this.#queues.get(key);
    const left = queue?.delete(owner) ?? false;
    if (queue?.size === 0) this.#queues.delete(key);
    return left;
  }

  #wake(key: string): void {
    const first = this.#firstWaiter(key);
    if (first !== undefined) this.#tell(first, 'turn');
  }

  /** Later, as a message would arrive: never inside the command that caused it. */
  #tell(owner: string, what: 'turn' | 'revoked'): void {
    const process = owner.split(':', 1)[0] ?? owner;
    queueMicrotask(() => this.listeners.get(process)?.[what](owner));
  }
}
