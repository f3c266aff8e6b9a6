/** The module users import: chooses the rooms, wires their ports, builds the application's runtime. */
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { AspectBinder, type AspectHandler, AspectRuntime } from './aspects/index.js';
import { CachedAspect, CacheEvictAspect, CacheModule } from './cache/index.js';
import { DistributedCoreModule } from './distributed-core.module.js';
import { InvalidOptionsError } from './distributed.errors.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  type OPTIONS_TYPE,
} from './distributed.module-definition.js';
import {
  cacheTransactionPort,
  transactionFencePort,
  transactionShardPort,
} from './distributed.ports.js';
import { CAPABILITIES, type CapabilityName } from './distributed.tokens.js';
import { LeaderAspect, LockAspect, LockModule, SemaphoreAspect } from './lock/index.js';
import {
  PartitionedAspect,
  PartitionModule,
  type PartitionModuleOptions,
} from './partition/index.js';
import { RedisModule } from './redis/index.js';
import { ResilienceAspect, ResilienceModule } from './resilience/index.js';
import { TransactionAspect, TransactionModule } from './transaction/index.js';

/** The aspect handlers each capability brings. */
const HANDLERS: Readonly<Record<CapabilityName, readonly Type<AspectHandler>[]>> = {
  lock: [LockAspect, SemaphoreAspect, LeaderAspect],
  cache: [CachedAspect, CacheEvictAspect],
  transaction: [TransactionAspect],
  partition: [PartitionedAspect],
  resilience: [ResilienceAspect],
};

/** `partition` cannot work without options, so it must be named. */
const ASYNC_DEFAULT: readonly CapabilityName[] = ['lock', 'cache', 'transaction', 'resilience'];

/**
 * Global. Import it once, in the root module.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at boot, with the path of the wrong field
 */
@Module({})
export class DistributedModule extends ConfigurableModuleClass {
  /** With options at hand: the capabilities are the keys that are there. */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    if (options.capabilities) {
      throw new InvalidOptionsError(
        'DistributedModule.forRoot().capabilities',
        'belongs to forRootAsync(); forRoot() reads the keys of its options',
      );
    }
    const capabilities = CAPABILITIES.filter((name) => options[name] !== undefined);
    return compose(super.forRoot(options), capabilities, options.partition?.entities);
  }

  /** With options from a factory or a class: name the `capabilities` to switch on. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    const capabilities = options.capabilities ?? ASYNC_DEFAULT;
    for (const name of capabilities) {
      if (CAPABILITIES.includes(name)) continue;
      throw new InvalidOptionsError(
        'DistributedModule.forRootAsync().capabilities',
        `unknown capability '${String(name)}'; known: ${CAPABILITIES.join(', ')}`,
      );
    }
    return compose(super.forRootAsync(options), capabilities);
  }
}

function compose(
  definition: DynamicModule,
  capabilities: readonly CapabilityName[],
  entities: PartitionModuleOptions['entities'] = [],
): DynamicModule {
  const core = DistributedCoreModule.register(definition, capabilities);
  const rooms = roomsOf(capabilities, core, entities);
  const handlers = capabilities.flatMap((name) => HANDLERS[name]);
  return {
    module: DistributedModule,
    global: true,
    imports: [core, ...rooms],
    providers: [
      {
        provide: AspectRuntime,
        inject: handlers,
        useFactory: (...instances: AspectHandler[]) => new AspectRuntime(instances),
      },
      AspectBinder,
    ],
    exports: [AspectRuntime, ...rooms],
  };
}

/** Builds the rooms that are on, each with what it stands on and the ports of its neighbours. */
function roomsOf(
  capabilities: readonly CapabilityName[],
  core: DynamicModule,
  entities: NonNullable<PartitionModuleOptions['entities']>,
): DynamicModule[] {
  const on = (name: CapabilityName, build: () => DynamicModule): DynamicModule[] =>
    capabilities.includes(name) ? [build()] : [];
  const redis = RedisModule.register(core);
  const partition = on('partition', () => PartitionModule.register(core));
  const repositories = on('partition', () => ({
    ...PartitionModule.forFeature(entities),
    imports: partition,
  }));
  const transaction = on('transaction', () =>
    TransactionModule.register(
      core,
      ...partition.map(transactionShardPort),
      ...on('lock', transactionFencePort),
    ),
  );
  const cache = on('cache', () =>
    CacheModule.register(core, redis, ...transaction.map(cacheTransactionPort)),
  );
  const lock = on('lock', () => LockModule.register(core, redis));
  const resilience = on('resilience', () => ResilienceModule.register(core));
  return [...partition, ...repositories, ...transaction, ...cache, ...lock, ...resilience];
}
