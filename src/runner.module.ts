/** Wires the runner: a standalone Nest application without a server of its own. */
import { type DynamicModule, Module } from '@nestjs/common';
import { ShopCommand } from './commands/shop.command.js';
import { JsonReporter } from './report/json.reporter.js';
import { ProgressReporter } from './report/progress.reporter.js';
import { TableReporter } from './report/table.reporter.js';
import { RUNNER_OPTIONS, type RunnerOptions } from './runner.options.js';
import { CacheScenario } from './scenarios/cache.scenario.js';
import { NetworkScenario } from './scenarios/network.scenario.js';
import { OversellScenario } from './scenarios/oversell.scenario.js';
import { PartitionScenario } from './scenarios/partition.scenario.js';
import { ScenarioRunner } from './scenarios/scenario-runner.js';
import { type Scenario, SCENARIOS } from './scenarios/scenario.js';
import { TransactionScenario } from './scenarios/transaction.scenario.js';

/** In the order they run and appear in the table. */
const ALL = [
  OversellScenario,
  NetworkScenario,
  PartitionScenario,
  TransactionScenario,
  CacheScenario,
];

/** The runner with the given command line. */
@Module({})
export class RunnerModule {
  /** Registers commands, scenarios and reporters. */
  static register(options: RunnerOptions): DynamicModule {
    return {
      module: RunnerModule,
      providers: [
        { provide: RUNNER_OPTIONS, useValue: options },
        ...ALL,
        { provide: SCENARIOS, useFactory: (...all: Scenario[]) => all, inject: ALL },
        ScenarioRunner,
        ProgressReporter,
        TableReporter,
        JsonReporter,
        ShopCommand,
      ],
    };
  }
}
