/** `npm start`: open the shop, run the scenarios, report, stay up or end. */
import { Inject, Injectable } from '@nestjs/common';
import { openShop, type Shop } from '../cluster/shop.js';
import { JsonReporter } from '../report/json.reporter.js';
import { ProgressReporter } from '../report/progress.reporter.js';
import { TableReporter } from '../report/table.reporter.js';
import { objections, type ScenarioResult } from '../report/verdict.js';
import { RUNNER_OPTIONS, type RunnerOptions } from '../runner.options.js';
import { ScenarioRunner } from '../scenarios/scenario-runner.js';
import { type Scenario, SCENARIOS } from '../scenarios/scenario.js';

/** Leaves nothing behind, however it ends. */
@Injectable()
export class ShopCommand {
  constructor(
    @Inject(RUNNER_OPTIONS) private readonly options: RunnerOptions,
    @Inject(SCENARIOS) private readonly scenarios: readonly Scenario[],
    private readonly runner: ScenarioRunner,
    private readonly progress: ProgressReporter,
    private readonly tableReporter: TableReporter,
    private readonly jsonReporter: JsonReporter,
  ) {}

  /**
   * Resolves with the exit code: 0 when every scenario proved its point.
   * @param signal ends the run: at once in the middle of it, or when the shop stays up
   * @throws RangeError for an unknown scenario; what `signal` aborts with
   */
  async run(signal: AbortSignal): Promise<number> {
    const startedAt = new Date();
    const scenarios = this.#chosen();
    const shop = await openShop({
      logs: this.options.logs,
      step: (title, work) => this.progress.step(title, work),
      signal,
    });
    try {
      const results: ScenarioResult[] = [];
      for (const scenario of scenarios) results.push(await this.runner.run(scenario, shop, signal));
      this.tableReporter.print(results);
      if (this.options.report)
        await this.jsonReporter.write(this.options.report, results, startedAt);
      if (!this.options.exit) await this.#stayUp(shop, signal);
      return objections(results).length === 0 ? 0 : 1;
    } finally {
      await this.progress.step('stopping', () => shop.close());
    }
  }

  #chosen(): readonly Scenario[] {
    const names = this.options.scenarios;
    const unknown = names.find((name) => !this.scenarios.some((known) => known.name === name));
    if (unknown !== undefined) {
      const known = this.scenarios.map((scenario) => scenario.name).join(', ');
      throw new RangeError(`There is no scenario ${unknown}; there are ${known}.`);
    }
    return names.length === 0
      ? this.scenarios
      : this.scenarios.filter((scenario) => names.includes(scenario.name));
  }

  async #stayUp({ cluster, databases, provider, redis }: Shop, signal: AbortSignal): Promise<void> {
    this.progress.say(`
  The shop stays up; press Ctrl-C to end it.
    gateway    ${cluster.origin}
    Swagger    ${cluster.origin}/docs
    provider   ${provider.url}
    Redis      ${redis}
    databases  ${databases.urls.inventory}
               ${databases.urls.payments}
               ${Object.values(databases.urls.shards).join('\n               ')}
`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
      // A listener does not keep a process alive; the provider's open port does.
    });
  }
}
