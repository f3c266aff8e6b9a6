/** A section under several locks at once. */
import type { Lock, ReleaseOutcome } from './lock.js';
import type { LockScope } from './lock-scope.js';
import { MultiLock, worstOf } from './multi-lock.js';

/** What runs under a lock: a scope, or several that begin and end together. */
export interface Section {
  readonly lock: Lock;
  /** Runs `body` inside. */
  run<T>(body: () => T | Promise<T>): Promise<T>;
  /** Gives back what was acquired for it. Never rejects. */
  end(): Promise<ReleaseOutcome>;
}

/** Scopes inside each other, one per key; the code in the innermost sees all their locks as one. */
export class JointSection implements Section {
  readonly lock: MultiLock;

  /** @param scopes from the outermost to the innermost, each the parent of the next */
  constructor(private readonly scopes: readonly [LockScope, ...LockScope[]]) {
    this.lock = new MultiLock(scopes.map(({ lock }) => lock));
  }

  async run<T>(body: () => T | Promise<T>): Promise<T> {
    const innermost = this.scopes.at(-1) ?? this.scopes[0];
    return await innermost.run(body, this.lock);
  }

  async end(): Promise<ReleaseOutcome> {
    return worstOf(await Promise.all(this.scopes.map((scope) => scope.end())));
  }
}
