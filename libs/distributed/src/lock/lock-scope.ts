/** Which locks an asynchronous call chain is inside of: re-entrancy and `currentLock()`. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../time/index.js';
import type { Lock, ReleaseOutcome } from './lock.js';
import type { LockMode } from './lock.store.js';
import { type Place, WaitingLine } from './waiting-line.js';

/** Shared by all sections under one lock: the last one to end releases it. */
interface Hold {
  sections: number;
  /** What the end of the last one does. */
  readonly release: () => Promise<ReleaseOutcome>;
}

/** What the section was entered for. */
export type HoldKind = LockMode | 'permit';

/**
 * One section of code under a lock. Sections that join it are run one after another, so
 * `Promise.all` of two re-entrant calls does not overlap.
 */
export class LockScope {
  static readonly #current = new AsyncLocalStorage<LockScope>();
  readonly #line = new WaitingLine();
  readonly #parent: LockScope | undefined;
  readonly #place: Place | undefined;
  #view: Lock | undefined;
  #open = true;

  private constructor(
    private readonly service: object,
    readonly lock: Lock,
    readonly kind: HoldKind,
    private readonly hold: Hold,
    more: { parent?: LockScope | undefined; place?: Place } = {},
  ) {
    this.#parent = more.parent;
    this.#place = more.place;
  }

  /**
   * The section of a lock that was just acquired.
   * @param more the section it begins in, default that of the caller; and how the lock is given back,
   *   default: it is released
   */
  static enter(
    service: object,
    lock: Lock,
    kind: HoldKind = 'exclusive',
    more: { parent?: LockScope | undefined; release?: Hold['release'] } = {},
  ): LockScope {
    const { parent = LockScope.#current.getStore(), release = () => lock.release() } = more;
    return new LockScope(service, lock, kind, { sections: 1, release }, { parent });
  }

  /**
   * The innermost section around the caller that still holds the lock `key` for `service`, or a
   * permit of the semaphore `key`.
   */
  static find(service: object, key: string, permit = false): LockScope | undefined {
    return LockScope.#innermost(
      ({ service: owner, lock, kind }) =>
        owner === service && lock.key === key && (kind === 'permit') === permit && lock.held,
    );
  }

  /** The innermost section around the caller, under a lock or a permit, that has not ended. */
  static current(permit: boolean): LockScope | undefined {
    return LockScope.#innermost(({ kind }) => (kind === 'permit') === permit);
  }

  /** What the calling code of the section knows as its lock. */
  get view(): Lock {
    return this.#view ?? this.lock;
  }

  /** The locks of all sections around the caller that have not ended, outermost first, each once. */
  static locks(): Lock[] {
    const found = new Set<Lock>();
    for (let scope = LockScope.#current.getStore(); scope; scope = scope.#parent)
      if (scope.#open && scope.kind !== 'permit') found.add(scope.lock);
    return [...found].toReversed();
  }

  static #innermost(fits: (scope: LockScope) => boolean): LockScope | undefined {
    let scope = LockScope.#current.getStore();
    while (scope && !(scope.#open && fits(scope))) scope = scope.#parent;
    return scope;
  }

  /**
   * A section inside this one, when its siblings have ended; null when they take too long.
   * @param parent the section it begins in: this one, or one further in. Default: that of the caller
   * @throws LockLostError `E_LOCK_LOST` when the lock is lost meanwhile; the reason of `signal`
   */
  async join(
    { waitMs, signal }: { waitMs: number; signal?: AbortSignal | undefined },
    clock: Clock,
    parent: LockScope | undefined = LockScope.#current.getStore(),
  ): Promise<LockScope | null> {
    // Counted from now on: the lock must not be released under a section that is about to start.
    this.hold.sections++;
    const place = this.#line.enter();
    const inner = new LockScope(this.service, this.lock, this.kind, this.hold, {
      parent,
      place,
    });
    try {
      if (place.first || (await place.called(waitMs, clock, signal))) {
        this.lock.assertHeld();
        return inner;
      }
    } catch (error) {
      await inner.end();
      throw error;
    }
    await inner.end();
    return null;
  }

  /** Runs `body` inside this section; it may know the lock as part of another one. */
  async run<T>(body: () => T | Promise<T>, view?: Lock): Promise<T> {
    this.#view = view;
    return await LockScope.#current.run(this, async () => body());
  }

  /** Ends the section; the last one under the lock releases it. Never rejects. */
  async end(): Promise<ReleaseOutcome> {
    this.#open = false;
    this.#place?.leave();
    if (--this.hold.sections === 0) return await this.hold.release();
    return this.lock.loss ? 'already-lost' : 'released';
  }
}

/**
 * The innermost lock the calling code runs under; undefined outside of any, and in work left
 * behind by a section that has ended.
 */
export function currentLock(): Lock | undefined {
  return LockScope.current(false)?.view;
}

/** The same for the permit of a semaphore. */
export function currentPermit(): Lock | undefined {
  return LockScope.current(true)?.view;
}

/** All locks the calling code runs under, outermost first; empty outside of any. */
export function currentLocks(): Lock[] {
  return LockScope.locks();
}
