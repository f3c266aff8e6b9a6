/** Runs a scenario twice, naive routes first, under the same load and the same faults. */
import { Injectable } from '@nestjs/common';
import type { Shop } from '../cluster/shop.js';
import { LoadGenerator } from '../load/load-generator.js';
import { ProgressReporter } from '../report/progress.reporter.js';
import type { ScenarioResult } from '../report/verdict.js';
import type { Mode, Outcome, Phase, Scenario } from './scenario.js';

/** How the two runs are called on the terminal. */
const TITLES: Readonly<Record<Mode, string>> = {
  without: 'without decorators',
  with: 'with decorators',
};

/** Builds each run's `Phase` and brings the shop back into order afterwards. */
@Injectable()
export class ScenarioRunner {
  readonly #progress: ProgressReporter;

  constructor(progress: ProgressReporter) {
    this.#progress = progress;
  }

  /** Runs both; rejects when the user ends the run. */
  async run(scenario: Scenario, shop: Shop, signal: AbortSignal): Promise<ScenarioResult> {
    const without = await this.#runOnce(scenario, 'without', { shop, signal });
    const protectedOutcome = await this.#runOnce(scenario, 'with', { shop, signal });
    const { name, pitfall, counted, definition } = scenario;
    return { name, pitfall, counted, definition, without, with: protectedOutcome };
  }

  #runOnce(scenario: Scenario, mode: Mode, { shop, signal }: Setting): Promise<Outcome> {
    return this.#progress.step(`${scenario.name}, ${TITLES[mode]}`, async () => {
      const load = new LoadGenerator(shop.cluster.origin, { signal });
      try {
        const outcome = await scenario.run(this.#phase(scenario, mode, { shop, load, signal }));
        this.#progress.conclude(outcome.summary);
        return outcome;
      } finally {
        load.close();
        if (!signal.aborted) await shop.cluster.recover();
      }
    });
  }

  #phase({ name: scenario }: Scenario, mode: Mode, setting: Setting & Pick<Phase, 'load'>): Phase {
    const { shop, load, signal } = setting;
    const { cluster, databases, provider, judge, outage, locks, runId } = shop;
    const twin = mode === 'without' ? 'naive' : 'safe';
    return {
      mode,
      cluster,
      databases,
      provider,
      judge,
      load,
      outage,
      locks,
      signal,
      path: (path) => (mode === 'without' ? `/naive${path}` : path),
      id: (name) => `${scenario}-${twin}-${runId}-${name}`,
      progress: (detail) => this.#progress.update(detail),
    };
  }
}

/** What both runs of a scenario have in common. */
interface Setting {
  readonly shop: Shop;
  readonly signal: AbortSignal;
}
