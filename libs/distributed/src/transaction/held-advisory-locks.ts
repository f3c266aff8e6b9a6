/** Which advisory locks a transaction holds, for what no server can see: that it waits for itself. */
import type { AdvisoryLockMode } from './advisory-lock.options.js';

/** A part of a transaction that can be undone alone. */
interface Part {
  isWithin(other: this): boolean;
}

interface Held<P> {
  readonly key: string;
  readonly mode: AdvisoryLockMode;
  readonly part: P;
}

export class HeldAdvisoryLocks<P extends Part> {
  #held: readonly Held<P>[] = [];

  /** The strongest mode in which the key is held. */
  modeOf(key: string): AdvisoryLockMode | undefined {
    const modes = this.#held.filter((each) => each.key === key).map((each) => each.mode);
    return modes.includes('exclusive') ? 'exclusive' : modes[0];
  }

  /** The keys were granted in a part. */
  add(keys: readonly string[], mode: AdvisoryLockMode, part: P): void {
    const added = keys.filter((key) => !this.#knows(key, mode, part));
    this.#held = [...this.#held, ...added.map((key) => ({ key, mode, part }))];
  }

  /** A part was rolled back: PostgreSQL released what was granted in it. */
  forget(part: P): void {
    this.#held = this.#held.filter((each) => !each.part.isWithin(part));
  }

  #knows(key: string, mode: AdvisoryLockMode, part: P): boolean {
    return this.#held.some(
      (each) => each.key === key && each.mode === mode && part.isWithin(each.part),
    );
  }
}
