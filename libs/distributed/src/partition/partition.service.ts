/** The service twin of `@Partitioned()`: places keys and runs work on the right shard. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import type { PartitionKeyInput } from './canonical-key.js';
import { CrossShardTransactionError, InvalidSlotError } from './partition.errors.js';
import { partitionEvents } from './partition.events.js';
import { PartitionIds, slotFromId } from './partition-id.js';
import { type PartitionContext, PartitionScope } from './partition-scope.js';
import type { Shard } from './shard.js';
import type { ShardDataSource } from './shard-data-source.js';
import { Shards } from './shards.js';
import { isSlot, slotOf } from './slot.js';

/** Where a key lies. */
export interface PartitionLocation {
  readonly slot: number;
  /** Id of the shard. */
  readonly shard: string;
}

/** The outcome of one shard in `runOnAll`. */
export type ShardResult<T> = { readonly shard: string } & PromiseSettledResult<T>;

/** Options of `PartitionService.runOnAll`. */
export interface RunOnAllOptions {
  /** One shard after the other, in the order of `shards`. Default `false`: all at once. */
  readonly sequential?: boolean;
}

/** Work to be run on a partition. */
export type PartitionWork<T> = (partition: PartitionContext) => Promise<T>;

/** Routes work to shards. Inject it, or use `@Partitioned()`. */
@Injectable()
export class PartitionService {
  constructor(
    private readonly shards: Shards,
    private readonly scope: PartitionScope,
    private readonly ids: PartitionIds,
    private readonly clock: Clock,
  ) {}

  /**
   * The slot of a key, 0 … 16383.
   * @throws PartitionKeyError `E_PARTITION_KEY`
   */
  slotOf(key: PartitionKeyInput): number {
    return slotOf(key);
  }

  /**
   * Slot and shard of a key.
   * @throws PartitionKeyError `E_PARTITION_KEY`
   */
  locate(key: PartitionKeyInput): PartitionLocation {
    const slot = slotOf(key);
    return { slot, shard: this.shards.map.shardOf(slot) };
  }

  /**
   * Runs `fn` in the partition of `key`. The same slot joins the surrounding partition.
   * @throws PartitionKeyError `E_PARTITION_KEY`
   * @throws ShardUnavailableError `E_PARTITION_SHARD_UNAVAILABLE`: `fn` was not run
   * @throws CrossShardTransactionError `E_PARTITION_CROSS_SHARD`: `fn` was not run
   */
  async run<T>(key: PartitionKeyInput, fn: PartitionWork<T>): Promise<T> {
    return this.runOnSlot(slotOf(key), fn);
  }

  /**
   * Runs `fn` in the partition of a slot, for jobs that walk over slots and for `slotFromId`.
   * @throws InvalidSlotError `E_PARTITION_SLOT`, and as `run`
   */
  async runOnSlot<T>(slot: number, fn: PartitionWork<T>): Promise<T> {
    if (!isSlot(slot)) throw new InvalidSlotError(`${slot} is not a slot; expected 0-16383.`);
    return this.#enter(this.shards.ofSlot(slot), slot, fn);
  }

  /**
   * Runs `fn` on a whole shard: rows of every slot the shard owns may be written.
   * @throws UnknownShardError `E_PARTITION_SHARD_UNKNOWN`, and as `run`
   */
  async runOnShard<T>(id: string, fn: PartitionWork<T>): Promise<T> {
    return this.#enter(this.shards.get(id), undefined, fn);
  }

  /**
   * Runs `fn` once per shard, for jobs and migrations. Never rejects because of one shard: each has
   * its own result, in the order of `shards`.
   * @throws CrossShardTransactionError `E_PARTITION_CROSS_SHARD` inside a transaction: nothing was run
   */
  async runOnAll<T>(
    fn: PartitionWork<T>,
    options: RunOnAllOptions = {},
  ): Promise<ShardResult<T>[]> {
    const shards = [...this.shards];
    for (const shard of shards) this.#refuseCrossing(shard);
    const results: ShardResult<T>[] = [];
    for (const batch of options.sequential ? shards.map((shard) => [shard]) : [shards]) {
      const settled = await Promise.allSettled(
        batch.map((shard) => this.#enter(shard, undefined, fn)),
      );
      for (const [index, result] of settled.entries())
        results.push({ shard: (batch[index] as Shard).id, ...result });
    }
    return results;
  }

  /** The partition of the current async context, if any. */
  current(): PartitionContext | undefined {
    return this.scope.current();
  }

  /** The DataSource of every shard by id, also of shards that are not reachable now. */
  dataSources(): ReadonlyMap<string, ShardDataSource> {
    return new Map([...this.shards].map((shard) => [shard.id, shard.dataSource]));
  }

  /**
   * A new row id (UUIDv7) that carries the slot, so that the row can be found without its key.
   * @param key partition key; default: the current partition
   * @throws PartitionKeyError `E_PARTITION_KEY`, NoPartitionContextError `E_PARTITION_NO_CONTEXT`
   * @throws InvalidSlotError `E_PARTITION_SLOT` without a key inside `runOnShard`
   */
  newId(key?: PartitionKeyInput): string {
    const slot = key === undefined ? this.scope.require('newId()').slot : slotOf(key);
    if (slot === undefined)
      throw new InvalidSlotError('newId() on a whole shard needs a key: newId(key).');
    return this.ids.next(slot);
  }

  /**
   * The slot inside an id made by `newId()`.
   * @throws InvalidSlotError `E_PARTITION_SLOT`
   */
  slotFromId(id: string): number {
    return slotFromId(id);
  }

  async #enter<T>(shard: Shard, slot: number | undefined, fn: PartitionWork<T>): Promise<T> {
    const outer = this.scope.current();
    if (outer?.shard === shard.id && outer.slot === slot) return fn(outer);
    this.#refuseCrossing(shard);
    if (outer?.shard !== shard.id) await this.#ready(shard);
    const partition = { shard: shard.id, slot, dataSource: shard.dataSource };
    const work = (): Promise<T> => this.scope.enter(partition, async () => fn(partition));
    return partitionEvents.hasSubscribers('call') ? this.#measured(partition, work) : work();
  }

  /** A transaction spans one shard: leaving it half-way would commit in two steps. */
  #refuseCrossing(to: Shard): void {
    const outer = this.scope.current();
    if (!outer || outer.shard === to.id || !this.shards.get(outer.shard).inTransaction) return;
    partitionEvents.emit('refused', () => ({ shard: to.id, code: 'E_PARTITION_CROSS_SHARD' }));
    throw new CrossShardTransactionError(outer.shard, to.id);
  }

  async #ready(shard: Shard): Promise<void> {
    try {
      await shard.ready();
    } catch (error) {
      partitionEvents.emit('refused', () => ({
        shard: shard.id,
        code: (error as { code?: string }).code ?? 'unknown',
      }));
      throw error;
    }
  }

  async #measured<T>(partition: PartitionContext, work: () => Promise<T>): Promise<T> {
    const { shard, slot } = partition;
    const start = this.clock.now();
    let outcome: 'ok' | 'error' = 'error';
    try {
      const result = await work();
      outcome = 'ok';
      return result;
    } finally {
      const durationMs = this.clock.now() - start;
      partitionEvents.emit('call', () => ({ shard, slot, outcome, durationMs }));
    }
  }
}
