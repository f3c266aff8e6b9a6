/** What a shard's DataSource must satisfy once its entities are known, and the slot rule it gets. */
import { type EntityPartition, partitionOf } from './entity-partition.js';
import { PartitionEntityError } from './partition.errors.js';
import type { ShardDataSource } from './shard-data-source.js';
import type { SlotSubscriber } from './slot-subscriber.js';

/** The part of TypeORM's entity metadata that is read here. */
interface EntityMetadata {
  readonly target: unknown;
  readonly relations: readonly {
    readonly propertyPath: string;
    readonly inverseEntityMetadata: { readonly target: unknown };
  }[];
  findColumnWithPropertyPath(path: string): unknown;
}

/** The part of a DataSource that TypeORM fills while it initializes. */
interface DataSourceParts {
  readonly entityMetadatas: readonly EntityMetadata[];
  readonly subscribers: unknown[];
}

/** Checks and equips the DataSource of one shard. */
export class ShardSchema {
  constructor(private readonly subscriber: SlotSubscriber) {}

  /**
   * @throws PartitionEntityError `E_PARTITION_ENTITY` when an entity cannot be partitioned
   */
  install(dataSource: ShardDataSource): void {
    const parts = dataSource as unknown as DataSourceParts;
    for (const metadata of parts.entityMetadatas) checkEntity(metadata);
    parts.subscribers.push(this.subscriber);
  }

  /** Takes the slot rule back out of a DataSource that lives on. */
  uninstall(dataSource: ShardDataSource): void {
    const { subscribers } = dataSource as unknown as DataSourceParts;
    const index = subscribers.indexOf(this.subscriber);
    if (index >= 0) subscribers.splice(index, 1);
  }
}

function checkEntity(metadata: EntityMetadata): void {
  const partition = partitionOf(metadata.target);
  if (!partition) return;
  for (const path of partition.keyPaths)
    if (metadata.findColumnWithPropertyPath(path) === undefined)
      throw new PartitionEntityError(
        partition.entity,
        `its key '${path}' is not a column; name a property with a column in @PartitionedEntity({ key })`,
      );
  for (const relation of metadata.relations)
    checkRelation(partition, relation.propertyPath, relation.inverseEntityMetadata.target);
}

function checkRelation(partition: EntityPartition, property: string, target: unknown): void {
  const other = partitionOf(target);
  if (other && other.group !== partition.group)
    throw new PartitionEntityError(
      partition.entity,
      `its relation '${property}' leads to ${other.entity} of group '${other.group}', whose rows lie on other shards; ` +
        `use one group (same key) or store the id only`,
    );
}
