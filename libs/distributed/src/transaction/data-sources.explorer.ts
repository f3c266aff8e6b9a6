/** Finds the application's DataSources by TypeORM's brand among all providers, whoever made them. */
import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidOptionsError } from '../distributed.errors.js';
import { type DataSourceLike, dataSourceName, isDataSource } from './data-source-like.js';
import { UnknownDataSourceError } from './transaction.errors.js';
import type { ResolvedModuleOptions } from './transaction.options.js';
import { TRANSACTION_OPTIONS } from './transaction.tokens.js';

@Injectable()
export class DataSourcesExplorer {
  readonly #modules: ModulesContainer;
  readonly #given: ReadonlyMap<string, DataSourceLike>;
  #known: ReadonlyMap<string, DataSourceLike>;

  constructor(
    modules: ModulesContainer,
    @Inject(TRANSACTION_OPTIONS) options: ResolvedModuleOptions,
  ) {
    this.#modules = modules;
    this.#given = new Map(Object.entries(options.dataSources));
    this.#known = this.#given;
  }

  /** The DataSource of that name; looks again when it is not known yet (lazily loaded modules). */
  find(name: string): DataSourceLike | undefined {
    if (!this.#known.has(name)) this.explore();
    return this.#known.get(name);
  }

  /**
   * The DataSource of that name.
   * @throws UnknownDataSourceError `E_TRANSACTION_DATA_SOURCE`
   */
  get(name: string, where: string): DataSourceLike {
    const found = this.find(name);
    if (found) return found;
    throw new UnknownDataSourceError(where, name, [...this.#known.keys()]);
  }

  /** Under what name a DataSource is known. */
  nameOf(dataSource: DataSourceLike): string {
    for (const [name, known] of this.#known) if (known === dataSource) return name;
    return dataSourceName(dataSource);
  }

  /** Looks at all providers; PostgreSQL DataSources by name, those of the options first. */
  explore(): ReadonlyMap<string, DataSourceLike> {
    const found = new Map(this.#given);
    for (const module of this.#modules.values())
      for (const wrapper of module.providers.values()) {
        const instance: unknown = wrapper.instance;
        if (isDataSource(instance) && instance.options.type === 'postgres')
          this.#add(found, instance);
      }
    this.#known = found;
    return found;
  }

  #add(found: Map<string, DataSourceLike>, dataSource: DataSourceLike): void {
    const name = dataSourceName(dataSource);
    const existing = found.get(name);
    if (existing && existing !== dataSource && !this.#given.has(name))
      throw new InvalidOptionsError(
        'DistributedModule.forRoot().transaction.dataSources',
        `two DataSources of the application are named '${name}'; list them here under different names`,
      );
    if (!existing) found.set(name, dataSource);
  }
}
