/** How an entity class is partitioned: what `@PartitionedEntity()` and `@PartitionSlot()` left on it. */
import 'reflect-metadata';
import { PartitionEntityError } from './partition.errors.js';
import type { EntityClass } from './shard-data-source.js';

const PARTITION = Symbol.for('nestjs-distributed:partitioned-entity');
const SLOT_PROPERTY = Symbol.for('nestjs-distributed:partition-slot');

/** The partitioning of one entity class. */
export interface EntityPartition {
  /** Name of the class, for messages. */
  readonly entity: string;
  /** Entities of one group have the same key and lie on the same shard. */
  readonly group: string;
  /** Property paths of the key. */
  readonly keyPaths: readonly string[];
  /** Property that holds the slot. */
  readonly slotProperty: string;
}

/** Records the declaration of `@PartitionedEntity()`. */
export function definePartition(
  target: object,
  declaration: Pick<EntityPartition, 'group' | 'keyPaths'>,
): void {
  Reflect.defineMetadata(PARTITION, declaration, target);
}

/** Records the property decorated with `@PartitionSlot()`. */
export function defineSlotProperty(target: object, property: string): void {
  const existing = Reflect.getMetadata(SLOT_PROPERTY, target) as string | undefined;
  if (existing !== undefined && existing !== property)
    throw new PartitionEntityError(
      nameOf(target),
      `has two @PartitionSlot() columns, '${existing}' and '${property}'; keep one`,
    );
  Reflect.defineMetadata(SLOT_PROPERTY, property, target);
}

/**
 * The partitioning of a class, own or inherited; `undefined` when it has none.
 * @throws PartitionEntityError `E_PARTITION_ENTITY` when it has no `@PartitionSlot()` column
 */
export function partitionOf(target: unknown): EntityPartition | undefined {
  if (typeof target !== 'function') return undefined;
  const declaration = Reflect.getMetadata(PARTITION, target) as
    | Pick<EntityPartition, 'group' | 'keyPaths'>
    | undefined;
  if (!declaration) return undefined;
  const slotProperty = Reflect.getMetadata(SLOT_PROPERTY, target) as string | undefined;
  if (slotProperty === undefined)
    throw new PartitionEntityError(
      nameOf(target),
      'has no slot column; add `@PartitionSlot() _slot: number`',
    );
  return { entity: nameOf(target), ...declaration, slotProperty };
}

/**
 * The partitioning of a class that must have one.
 * @throws PartitionEntityError `E_PARTITION_ENTITY`
 */
export function requirePartition(target: EntityClass): EntityPartition {
  const partition = partitionOf(target);
  if (partition) return partition;
  throw new PartitionEntityError(
    nameOf(target),
    'is not partitioned; decorate it with @PartitionedEntity({ key }) or use an ordinary repository',
  );
}

/** The partition key inside a row; `undefined` when any part of it is absent. */
export function keyOfRow(partition: EntityPartition, row: object): unknown {
  const parts = partition.keyPaths.map((path) => readPath(row, path));
  if (parts.includes(undefined)) return undefined;
  return parts.length === 1 ? parts[0] : parts;
}

/** Follows a dotted path; `undefined` where it ends early. */
export function readPath(value: unknown, path: string): unknown {
  let current = value;
  for (const step of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[step];
  }
  return current;
}

function nameOf(target: object): string {
  return (target as { name?: string }).name ?? 'The entity';
}
