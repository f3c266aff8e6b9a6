/** Several locks held as one. */
import type { Duration } from '../time/index.js';
import { Lock, type ReleaseOutcome } from './lock.js';
import type { LockLostError } from './lock.errors.js';

/**
 * Held while all of its members are: the first of them to be lost is the loss of the whole. It has no
 * fencing token of its own (0), because tokens of different keys cannot be compared: a resource is
 * fenced with the member that guards it, or with `fencedSql`, which takes all of them.
 */
export class MultiLock extends Lock {
  override readonly name: string;
  readonly key: string;
  readonly fencingToken = 0;
  #signal: AbortSignal | undefined;

  readonly #members: readonly Lock[];

  /** @param members in the order of their keys */
  constructor(members: readonly Lock[]) {
    super();
    this.#members = members;
    this.name = members[0]?.name ?? 'unnamed';
    this.key = members.map(({ key }) => key).join(' ');
  }

  override get members(): readonly Lock[] {
    return this.#members;
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any(this.members.map(({ signal }) => signal));
    return this.#signal;
  }

  get remaining(): number {
    return Math.min(...this.members.map(({ remaining }) => remaining));
  }

  get held(): boolean {
    return this.members.every(({ held }) => held);
  }

  get loss(): LockLostError | undefined {
    return this.members.find(({ loss }) => loss)?.loss;
  }

  assertHeld(): void {
    for (const member of this.members) member.assertHeld();
  }

  async extend(lease?: Duration): Promise<void> {
    await Promise.all(this.members.map((member) => member.extend(lease)));
  }

  async release(): Promise<ReleaseOutcome> {
    return worstOf(await Promise.all(this.members.map((member) => member.release())));
  }
}

/** What several releases come to: a loss is told, whatever became of the others. */
export function worstOf(outcomes: readonly ReleaseOutcome[]): ReleaseOutcome {
  return (['already-lost', 'pending'] as const).find((bad) => outcomes.includes(bad)) ?? 'released';
}
