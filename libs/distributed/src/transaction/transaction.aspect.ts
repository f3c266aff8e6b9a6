/** Gives `@Transactional` its behaviour: options → runner. */
import { Injectable } from '@nestjs/common';
import type { AspectCall, AspectHandler, AspectMethod } from '../aspects/index.js';
import { methodLabel } from '../aspects/index.js';
import { DataSourcesExplorer } from './data-sources.explorer.js';
import type { ResolvedTransactionOptions } from './transaction.options.js';
import { TransactionRunner } from './transaction-runner.js';

@Injectable()
export class TransactionAspect implements AspectHandler<ResolvedTransactionOptions> {
  readonly kind = 'transaction';

  constructor(
    private readonly runner: TransactionRunner,
    private readonly dataSources: DataSourcesExplorer,
  ) {}

  run(
    options: ResolvedTransactionOptions,
    call: AspectCall,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    return this.runner.execute(options, options.label ?? methodLabel(call), next, call.args);
  }

  /** @throws UnknownDataSourceError, TransactionFenceError at boot */
  validate({ dataSource, fenced }: ResolvedTransactionOptions, method: AspectMethod): void {
    this.runner.fences.assertAvailable(fenced, `@Transactional() on ${methodLabel(method)}()`);
    if (typeof dataSource === 'object') return;
    // Without a name the call is routed to the shard of its context, which is known only then.
    if (dataSource === undefined && this.runner.isPartitioned) return;
    this.dataSources.get(dataSource ?? 'default', `@Transactional() on ${methodLabel(method)}()`);
  }
}
