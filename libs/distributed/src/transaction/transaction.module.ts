/** Wires the transaction capability. */
import { type DynamicModule, Module } from '@nestjs/common';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { validateOptions } from '../distributed.validation.js';
import { DataSourcesExplorer } from './data-sources.explorer.js';
import { TransactionAspect } from './transaction.aspect.js';
import { TransactionContext } from './transaction-context.js';
import { moduleOptionsSchema, type ResolvedModuleOptions } from './transaction.options.js';
import { TransactionRunner } from './transaction-runner.js';
import { TransactionService } from './transaction.service.js';
import { TRANSACTION_OPTIONS } from './transaction.tokens.js';

@Module({})
export class TransactionModule {
  /**
   * @param imports modules that provide `Clock`, `capabilityOptionsToken('transaction')`; in a
   * partitioned application `ShardPort`, and in one with locks `FencePort`
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: TransactionModule,
      imports,
      providers: [
        {
          provide: TRANSACTION_OPTIONS,
          useFactory: (options: unknown): ResolvedModuleOptions =>
            validateOptions(
              moduleOptionsSchema,
              options,
              'DistributedModule.forRoot().transaction',
            ),
          inject: [capabilityOptionsToken('transaction')],
        },
        TransactionContext,
        DataSourcesExplorer,
        TransactionRunner,
        TransactionService,
        TransactionAspect,
      ],
      exports: [TransactionService, TransactionAspect],
    };
  }
}
