/** Wires the partition room. */
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { capabilityOptionsToken } from '../distributed.tokens.js';
import { Clock } from '../time/index.js';
import { requirePartition } from './entity-partition.js';
import { PartitionIds } from './partition-id.js';
import { createPartitionRepository } from './partition-repository.js';
import { partitionRepositoryToken } from './partition-repository.decorator.js';
import { PartitionScope } from './partition-scope.js';
import { parsePartitionOptions } from './partition.options.js';
import { PartitionService } from './partition.service.js';
import { PartitionedAspect } from './partitioned.aspect.js';
import type { EntityClass } from './shard-data-source.js';
import { Shards } from './shards.js';

/** Provides `PartitionService` and the partitioned repositories. */
@Module({})
export class PartitionModule {
  /**
   * The room itself, once per application.
   * @param imports modules that provide `Clock`, `Random` and the options of the capability
   */
  static register(...imports: DynamicModule[]): DynamicModule {
    return {
      module: PartitionModule,
      imports,
      providers: [
        { provide: PartitionScope, useFactory: () => new PartitionScope() },
        {
          provide: Shards,
          useFactory: (options: unknown, clock: Clock, scope: PartitionScope) =>
            Shards.open(parsePartitionOptions(options), clock, scope),
          inject: [capabilityOptionsToken('partition'), Clock, PartitionScope],
        },
        PartitionIds,
        PartitionService,
        PartitionedAspect,
      ],
      exports: [PartitionService, PartitionedAspect, PartitionScope, Shards],
    };
  }

  /**
   * The partitioned repositories of these entities, for injection in the importing module. Done by
   * `DistributedModule.forRoot()` for `partition.entities`; needed with `forRootAsync()`, whose
   * options are not known yet when modules are put together.
   */
  static forFeature(entities: readonly EntityClass[]): DynamicModule {
    const providers = entities.map(repositoryProvider);
    return {
      module: PartitionFeatureModule,
      providers,
      exports: entities.map((entity) => partitionRepositoryToken(entity)),
    };
  }
}

/** Holds repositories only; the room comes from the global `DistributedModule`. */
@Module({})
class PartitionFeatureModule {}

function repositoryProvider(entity: EntityClass): Provider {
  return {
    provide: partitionRepositoryToken(entity),
    useFactory: async (scope: PartitionScope, shards: Shards) => {
      const { Repository } = await import('typeorm');
      return createPartitionRepository({
        prototype: Repository.prototype as object,
        entity,
        partition: requirePartition(entity),
        scope,
        guard: shards.guard,
      });
    },
    inject: [PartitionScope, Shards],
  };
}
