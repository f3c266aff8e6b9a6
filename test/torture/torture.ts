/** What every torture is: a fault, a load, figures taken at the protected resource, rules they must obey. */

/** What a torture is run with. */
export interface TortureSettings {
  /** How long the load runs. */
  readonly seconds: number;
  /** Decides which faults come when; printed, so that a run can be repeated. */
  readonly seed: string;
  /** Module to import the library from: its name, or the address of a mutant. */
  readonly library: string;
  /** What the protected resource checks; only mutations weaken it. */
  readonly guard: Guard;
}

/** Where the resource compares fencing tokens. */
export type Guard = 'read-and-write' | 'write-only';

/** The figures of one run. */
export interface Figures {
  /** Writes the resource accepted under its guard. */
  readonly acknowledged: number;
  /** Updates that an acknowledged write overwrote without having read them, with the guard. */
  readonly lostFenced: number;
  /** The same load at a resource without a guard. */
  readonly lostUnfenced: number;
  /** Reads and writes with an old fencing token that the guard refused. */
  readonly staleRejected: number;
  /** Operations that did not settle within their limits. */
  readonly hangs: number;
  /** Rejections and exceptions nobody handled, processes that ended by themselves. */
  readonly unhandled: number;
}

/** A finished run. */
export interface TortureOutcome extends Figures {
  /** More figures, by name: for people. */
  readonly notes: Readonly<Record<string, number | string>>;
  /** What broke the rules; empty when the run passed. */
  readonly violations: readonly string[];
}

/** A change of the compiled library. */
export interface LibraryEdit {
  /** File or folder below the library's `dist`. */
  readonly where: string;
  /** Must match in at least one file, or the mutation is out of date. */
  readonly find: RegExp;
  readonly replace: string;
}

/** A deliberately broken variant that the torture must catch. */
export interface Mutation {
  readonly name: string;
  /** What of the library is broken; the original is copied, not touched. */
  readonly edits?: readonly LibraryEdit[];
  readonly guard?: Guard;
  /** A violation that shows that it was caught for the right reason. */
  readonly caughtBy: RegExp;
  /** Left out of the lane in CI, which has three minutes. */
  readonly slow?: boolean;
}

/** One torture. */
export interface Torture<G> {
  /** `T1`, as in the specification. */
  readonly id: string;
  /** The fault, in a few words. */
  readonly fault: string;
  readonly mutations: readonly Mutation[];
  /** Capability of the library it needs, tried before the run; without it the torture is not run. */
  available?(ground: G, settings: TortureSettings): Promise<boolean>;
  run(ground: G, settings: TortureSettings): Promise<TortureOutcome>;
}

/** A room's tortures and what they stand on. */
export interface TortureRoom<G extends AsyncDisposable> {
  readonly name: string;
  readonly tortures: readonly Torture<G>[];
  /** Starts what all tortures share. */
  open(): Promise<G>;
}

/** The rules that hold for every run. */
export function commonViolations(figures: Figures): string[] {
  const rules: [boolean, string][] = [
    [figures.acknowledged === 0, 'nothing was acknowledged'],
    [figures.lostFenced > 0, `${figures.lostFenced} fenced updates lost`],
    [figures.hangs > 0, `${figures.hangs} operations hung`],
    [figures.unhandled > 0, `${figures.unhandled} unhandled rejections or crashes`],
  ];
  return rules.flatMap(([broken, text]) => (broken ? [text] : []));
}
