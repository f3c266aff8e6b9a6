/** The shards of one application and the map that spreads the slots over them. */
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../time/index.js';
import { GivenShard } from './given-shard.js';
import { OwnedShard } from './owned-shard.js';
import { UnknownShardError } from './partition.errors.js';
import type { PartitionSettings } from './partition.options.js';
import type { PartitionScope } from './partition-scope.js';
import type { Shard } from './shard.js';
import { ShardSchema } from './shard-schema.js';
import { SlotGuard } from './slot-guard.js';
import type { SlotMap } from './slot-map.js';
import { SlotSubscriber } from './slot-subscriber.js';

/** Opened at boot, closed after the servers of the application are. */
export class Shards implements OnApplicationShutdown, Iterable<Shard> {
  /** Which shard owns which slot. */
  readonly map: SlotMap;
  /** The slot rule of this application. */
  readonly guard: SlotGuard;
  readonly #byId = new Map<string, Shard>();

  private constructor(map: SlotMap) {
    this.map = map;
    this.guard = new SlotGuard(map);
  }

  /**
   * Connects to all shards at once. An unreachable one is left for later and does not fail the boot.
   * @throws PartitionEntityError `E_PARTITION_ENTITY`, or what TypeORM finds wrong with the entities
   */
  static async open(
    settings: PartitionSettings,
    clock: Clock,
    scope: PartitionScope,
  ): Promise<Shards> {
    const shards = new Shards(settings.map);
    for (const options of settings.shards) {
      const schema = new ShardSchema(new SlotSubscriber(options.id, shards.guard, scope));
      const shard =
        'url' in options
          ? await OwnedShard.create({ options, settings, clock, schema })
          : new GivenShard(options.id, options.dataSource, schema);
      shards.#byId.set(shard.id, shard);
    }
    const attempts = await Promise.allSettled([...shards].map((shard) => shard.connect()));
    const failed = attempts.find((attempt) => attempt.status === 'rejected');
    if (!failed) return shards;
    await shards.onApplicationShutdown();
    throw failed.reason;
  }

  /**
   * A shard by id.
   * @throws UnknownShardError `E_PARTITION_SHARD_UNKNOWN`
   */
  get(id: string): Shard {
    const shard = this.#byId.get(id);
    if (shard) return shard;
    throw new UnknownShardError(id, [...this.#byId.keys()]);
  }

  /** The owner of a slot. */
  ofSlot(slot: number): Shard {
    return this.get(this.map.shardOf(slot));
  }

  [Symbol.iterator](): Iterator<Shard> {
    return this.#byId.values();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this].map((shard) => shard.close()));
  }
}
