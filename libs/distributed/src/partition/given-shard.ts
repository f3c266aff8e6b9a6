/** A shard whose DataSource the user made: never opened, closed or given other timeouts here. */
import { ShardUnavailableError } from './partition.errors.js';
import { Shard } from './shard.js';
import type { ShardDataSource } from './shard-data-source.js';
import type { ShardSchema } from './shard-schema.js';

/** See `GivenShardOptions`. */
export class GivenShard extends Shard {
  readonly #schema: ShardSchema;
  #installed = false;

  constructor(id: string, dataSource: ShardDataSource, schema: ShardSchema) {
    super(id, dataSource);
    this.#schema = schema;
  }

  async connect(): Promise<void> {
    if (this.dataSource.isInitialized) this.#install();
  }

  async ready(): Promise<void> {
    if (!this.dataSource.isInitialized)
      throw new ShardUnavailableError(this.id, 'not-initialized', { executed: 'no' });
    this.#install();
  }

  async close(): Promise<void> {
    if (this.#installed) this.#schema.uninstall(this.dataSource);
  }

  #install(): void {
    if (this.#installed) return;
    this.#schema.install(this.dataSource);
    this.#installed = true;
  }
}
