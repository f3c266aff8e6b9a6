/** What a suite is made of: parts that measure, targets to reach. */
import type { Figures } from './harness/figures.js';
import type { RedisServer } from './harness/servers.js';
import type { Target } from './harness/targets.js';

/** What a part may use. */
export interface Bench {
  /** Started for this run, nobody else uses it. */
  readonly redis: RedisServer;
  /** Tells people what happens. */
  note(text: string): void;
}

/** One experiment; `--only` chooses some. */
export interface Part {
  readonly name: string;
  /** @returns figures by competitor; ours is called `ours` */
  run(bench: Bench): Promise<Readonly<Record<string, Figures>>>;
}

/** Everything `npm run bench -- <name>` does. */
export interface Suite {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly targets: readonly Target[];
}
