/** One shard: a database that owns some of the slots. */
import { hasOpenTransaction, type ShardDataSource } from './shard-data-source.js';

/** A shard as the service sees it. */
export abstract class Shard {
  constructor(
    /** Name in the slot map. */
    readonly id: string,
    /** Its TypeORM DataSource, the same object for the life of the application. */
    readonly dataSource: ShardDataSource,
  ) {}

  /** Whether the current async context has a transaction open here. */
  get inTransaction(): boolean {
    return hasOpenTransaction(this.dataSource);
  }

  /** First attempt to connect, at boot. Resolves also when the shard is unreachable. */
  abstract connect(): Promise<void>;

  /**
   * Resolves when calls may go to the shard.
   * @throws ShardUnavailableError `E_PARTITION_SHARD_UNAVAILABLE`
   */
  abstract ready(): Promise<void>;

  /** Ends what was opened here. */
  abstract close(): Promise<void>;
}
