/**
 * Callbacks of one scope, in the order of registration. They follow the fate of their scope: a
 * released savepoint hands them to its parent; a rolled back one keeps `afterRollback` and
 * `afterCompletion` with its own outcome and drops the rest.
 */
import type { HookPhase, TransactionOutcome } from './transaction.events.js';

/** Runs before COMMIT, inside the transaction: may query; a throw rolls back and is the result. */
export type BeforeCommitHook = () => unknown;
/** Runs after COMMIT, outside the transaction. */
export type AfterCommitHook = () => unknown;
/** Runs after the work of its scope was rolled back, outside the transaction. */
export type AfterRollbackHook = (cause: unknown) => unknown;
/** Runs last, once, whatever happened. */
export type AfterCompletionHook = (outcome: TransactionOutcome) => unknown;

interface Decided {
  readonly outcome: TransactionOutcome;
  readonly cause?: unknown;
}

type Entry = { readonly decided?: Decided } & (
  | { readonly phase: 'beforeCommit'; readonly run: BeforeCommitHook }
  | { readonly phase: 'afterCommit'; readonly run: AfterCommitHook }
  | { readonly phase: 'afterRollback'; readonly run: AfterRollbackHook }
  | { readonly phase: 'afterCompletion'; readonly run: AfterCompletionHook }
);

export class TransactionHooks {
  #entries: Entry[] = [];

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** The next hook to run before COMMIT; hooks may register further ones. */
  takeBeforeCommit(): BeforeCommitHook | undefined {
    const index = this.#entries.findIndex((entry) => entry.phase === 'beforeCommit');
    const entry = index < 0 ? undefined : this.#entries.splice(index, 1)[0];
    return entry?.phase === 'beforeCommit' ? entry.run : undefined;
  }

  get hasBeforeCommit(): boolean {
    return this.#entries.some((entry) => entry.phase === 'beforeCommit');
  }

  /** Takes over the hooks of a savepoint that was released. */
  absorb(child: TransactionHooks): void {
    this.#entries.push(...child.#entries);
  }

  /** Takes over what is left of the hooks of a savepoint that was rolled back. */
  absorbRolledBack(child: TransactionHooks, cause: unknown): void {
    const decided: Decided = { outcome: 'ROLLED_BACK', cause };
    for (const entry of child.#entries)
      if (entry.phase === 'afterRollback' || entry.phase === 'afterCompletion')
        this.#entries.push({ decided, ...entry });
  }

  /**
   * Runs what is due after the outcome, one after the other: commit or rollback hooks first, then
   * completion hooks. A failing hook is reported and stops neither the others nor the result.
   */
  async fire(decided: Decided, report: (phase: HookPhase, error: unknown) => void): Promise<void> {
    const due = this.#entries.map((entry) => ({ entry, fate: entry.decided ?? decided }));
    const last = due.filter(({ entry }) => entry.phase === 'afterCompletion');
    const first = due.filter(({ entry }) => entry.phase !== 'afterCompletion');
    for (const { entry, fate } of [...first, ...last]) {
      try {
        if (entry.phase === 'afterCommit' && fate.outcome === 'COMMITTED') await entry.run();
        if (entry.phase === 'afterRollback' && fate.outcome === 'ROLLED_BACK')
          await entry.run(fate.cause);
        if (entry.phase === 'afterCompletion') await entry.run(fate.outcome);
      } catch (error) {
        report(entry.phase, error);
      }
    }
  }
}
