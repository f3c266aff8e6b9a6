/** `@InjectPartitionRepository()`: injects the repository that follows the current partition. */
import { Inject } from '@nestjs/common';
import 'reflect-metadata';
import type { EntityClass } from './shard-data-source.js';

const TOKEN = Symbol.for('nestjs-distributed:partition-repository');

/**
 * Injection token of the partitioned repository of an entity. Belongs to the class, not to its
 * name, so two classes of one name do not collide; what it resolves to belongs to the application.
 */
export function partitionRepositoryToken(entity: EntityClass): symbol {
  const existing = Reflect.getOwnMetadata(TOKEN, entity) as symbol | undefined;
  if (existing) return existing;
  // Nest prints this description when the token cannot be resolved.
  const token = Symbol(
    `PartitionRepository(${entity.name}): name the entity in partition.entities or in PartitionModule.forFeature()`,
  );
  Reflect.defineMetadata(TOKEN, token, entity);
  return token;
}

/**
 * Injects a `Repository<Entity>` that resolves its shard per call. The instance is a singleton; it
 * throws `E_PARTITION_NO_CONTEXT` outside a partition and never falls back to a default shard.
 */
export function InjectPartitionRepository(
  entity: EntityClass,
): ParameterDecorator & PropertyDecorator {
  return Inject(partitionRepositoryToken(entity));
}
