/** What transactions need of partitioning; the application's module wires the adapter. */
import type { DataSourceLike } from './data-source-like.js';

/** Knows the shard the current code is routed to. */
export abstract class ShardPort {
  /** The DataSource of the shard context of this async context, if any. */
  abstract current(): DataSourceLike | undefined;
  /** The DataSources of all shards. */
  abstract all(): Iterable<DataSourceLike>;
}
