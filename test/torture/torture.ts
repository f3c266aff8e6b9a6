/** What every torture is: a fault, a load, figures taken at the protected resource, rules they must obey. */

/** What a torture is run with. */
export interface TortureSettings {
  /** How long the load runs. */
  readonly seconds: number;
  /** The load runs until so many operations are done instead, where the room counts them. */
  readonly operations?: number | undefined;
  /** A broken library runs here: the run may end as soon as that shows. */
  readonly broken?: boolean | undefined;
  /** Decides which faults come when; printed, so that a run can be repeated. */
  readonly seed: string;
  /** Module to import the library from: its name, or the address of a mutant. */
  readonly library: string;
  /** What the protected resource checks; only mutations weaken it. */
  readonly guard: Guard;
}

/** Where the resource compares fencing tokens. */
export type Guard = 'read-and-write' | 'write-only';

/** A finished run. */
export interface TortureOutcome {
  /** Operations that did not settle within their limits. */
  readonly hangs: number;
  /** Rejections and exceptions nobody handled, processes that ended by themselves. */
  readonly unhandled: number;
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
  /** Figures of its outcomes that the table shows: name and heading. */
  readonly columns: readonly (readonly [name: string, heading: string])[];
  /** Starts what all tortures share. */
  open(): Promise<G>;
}
