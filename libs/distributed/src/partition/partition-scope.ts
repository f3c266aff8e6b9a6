/** Which partition the current async context works on. Immutable per context; one scope per application. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { NoPartitionContextError } from './partition.errors.js';
import type { ShardDataSource } from './shard-data-source.js';

/** The partition of the current async context. */
export interface PartitionContext {
  /** Id of the shard. */
  readonly shard: string;
  /** The slot; `undefined` inside `runOnShard` and `runOnAll`. */
  readonly slot: number | undefined;
  /** The shard's DataSource. */
  readonly dataSource: ShardDataSource;
}

/** Holder of the context. An instance field and not a global: applications stay apart. */
export class PartitionScope {
  readonly #storage = new AsyncLocalStorage<PartitionContext>();

  /** The current partition, if any. */
  current(): PartitionContext | undefined {
    return this.#storage.getStore();
  }

  /**
   * The current partition.
   * @param what who asks, for the message
   * @throws NoPartitionContextError `E_PARTITION_NO_CONTEXT`
   */
  require(what: string): PartitionContext {
    const current = this.#storage.getStore();
    if (current) return current;
    throw new NoPartitionContextError(what);
  }

  /** Runs `fn` inside `context`; the outer context is back when it settles, also when it throws. */
  enter<T>(context: PartitionContext, fn: () => T): T {
    return this.#storage.run(Object.freeze(context), fn);
  }
}
