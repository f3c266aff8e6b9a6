/**
 * The second line behind the repository: a TypeORM subscriber that applies the slot rule to
 * cascades, `manager.save()` and query builders, and to rows already stored.
 */
import { type EntityPartition, partitionOf } from './entity-partition.js';
import type { PartitionScope } from './partition-scope.js';
import type { Place, SlotGuard } from './slot-guard.js';

/** The part of TypeORM's events that is read here. */
interface RowEvent {
  readonly metadata: { readonly target: unknown };
  readonly entity?: object | undefined;
  readonly databaseEntity?: object | undefined;
}

/** One per shard. */
export class SlotSubscriber {
  readonly #shard: string;
  readonly #guard: SlotGuard;
  readonly #scope: PartitionScope;

  constructor(shard: string, guard: SlotGuard, scope: PartitionScope) {
    this.#shard = shard;
    this.#guard = guard;
    this.#scope = scope;
  }

  /** TypeORM hook. */
  beforeInsert(event: RowEvent): void {
    const partition = partitionOf(event.metadata.target);
    if (partition && event.entity) this.#guard.admitNew(partition, event.entity, this.#place());
  }

  /** TypeORM hook: neither the stored row nor the new values may belong to another partition. */
  beforeUpdate(event: RowEvent): void {
    const partition = partitionOf(event.metadata.target);
    if (!partition) return;
    this.#verify(partition, event.databaseEntity);
    this.#verify(partition, event.entity);
  }

  /** TypeORM hook. */
  beforeRemove(event: RowEvent): void {
    const partition = partitionOf(event.metadata.target);
    if (partition) this.#verify(partition, event.databaseEntity ?? event.entity);
  }

  /** TypeORM hook. */
  beforeSoftRemove(event: RowEvent): void {
    this.beforeRemove(event);
  }

  /** TypeORM hook. */
  beforeRecover(event: RowEvent): void {
    this.beforeRemove(event);
  }

  #verify(partition: EntityPartition, row: object | undefined): void {
    if (row) this.#guard.verify(partition, row, this.#place());
  }

  #place(): Place {
    const current = this.#scope.current();
    return {
      shard: this.#shard,
      slot: current?.shard === this.#shard ? current.slot : undefined,
    };
  }
}
