/** What a scenario is: one pitfall, run twice under the same load and the same faults. */
import type { LockWitness } from '../cluster/lock-witness.js';
import type { Judge } from '../judge/judge.js';
import type { LoadGenerator } from '../load/load-generator.js';
import type { PaymentProvider } from '../provider/payment-provider.js';
import type { ShopCluster } from '../cluster/shop-cluster.js';
import type { ShopDatabases } from '../cluster/shop-databases.js';
import type { ShardOutage } from '../cluster/shard-outage.js';

/** `without` drives the naive routes, `with` the decorated ones. */
export type Mode = 'without' | 'with';

/** Everything a scenario may touch during one of its two runs. */
export interface Phase {
  readonly mode: Mode;
  readonly cluster: ShopCluster;
  readonly provider: PaymentProvider;
  readonly databases: ShopDatabases;
  readonly judge: Judge;
  readonly load: LoadGenerator;
  /** Stops and restarts the server of shard s2. */
  readonly outage: ShardOutage;
  /** Sees who holds a lock. */
  readonly locks: LockWitness;
  /** Aborted when the user ends the run. */
  readonly signal: AbortSignal;
  /** The path of this run's twin: `/x` or `/naive/x`. */
  readonly path: (path: string) => string;
  /** A business id that no other scenario, phase or run uses; keeps `name` at its end. */
  readonly id: (name: string) => string;
  /** Says how far the run is. */
  readonly progress: (detail: string) => void;
}

/** What one run of a scenario found. */
export interface Outcome {
  /** Facts for the report, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** The number of violations, as the scenario defines them. */
  readonly violations: number;
  /** Work that the shop really did; a run that did nothing proves nothing. */
  readonly succeeded: number;
  /** The facts in a few words, for the table. */
  readonly summary: string;
}

/** A pitfall and its proof. */
export abstract class Scenario {
  /** Short name, for `--scenario` and the report. */
  abstract readonly name: string;
  /** The pitfall, for the table. */
  abstract readonly pitfall: string;
  /** What is counted, in a few words, for the table. */
  abstract readonly counted: string;
  /** What counts as a violation, exactly. */
  abstract readonly definition: string;

  /** Runs load and faults once and judges what they left behind. */
  abstract run(phase: Phase): Promise<Outcome>;
}

/** DI token of all scenarios, in the order they run. */
export const SCENARIOS = Symbol('scenarios');
