/** `@Partitioned` and its service twin: data spread over PostgreSQL shards by key. */
export type { PartitionKeyInput, PartitionKeyPart } from './canonical-key.js';
export { slotOf, SLOT_COUNT } from './slot.js';
export { type SlotAssignment, SlotMap, type SlotRange } from './slot-map.js';
export { PartitionModule } from './partition.module.js';
export type {
  GivenShardOptions,
  OwnedShardOptions,
  PartitionModuleOptions,
} from './partition.options.js';
export {
  CrossShardTransactionError,
  InvalidSlotError,
  NoPartitionContextError,
  PartitionEntityError,
  PartitionKeyError,
  PartitionKeySourceError,
  type ShardFailure,
  ShardUnavailableError,
  UnknownShardError,
  WrongSlotError,
} from './partition.errors.js';
export { PARTITION_CHANNELS, type PartitionEvents } from './partition.events.js';
export {
  type PartitionLocation,
  PartitionService,
  type PartitionWork,
  type RunOnAllOptions,
  type ShardResult,
} from './partition.service.js';
export type { PartitionContext } from './partition-scope.js';
export { PartitionKey } from './partition-key.decorator.js';
export { Partitioned, type PartitionedOptions } from './partitioned.decorator.js';
export { PartitionedAspect } from './partitioned.aspect.js';
export {
  PartitionedEntity,
  type PartitionedEntityOptions,
} from './partitioned-entity.decorator.js';
export { PartitionSlot, SLOT_COLUMN } from './partition-slot.decorator.js';
export {
  InjectPartitionRepository,
  partitionRepositoryToken,
} from './partition-repository.decorator.js';
export type { EntityClass, ShardDataSource } from './shard-data-source.js';
