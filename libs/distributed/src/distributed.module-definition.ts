/** Nest's own builder of `forRoot` and `forRootAsync`. */
import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { DistributedModuleOptions } from './distributed.options.js';
import type { CapabilityName } from './distributed.tokens.js';

/** What `forRootAsync` takes beside the options factory. */
export interface DistributedModuleExtras {
  /**
   * The capabilities to switch on. Needed because the keys of options that come from a factory are
   * not known when Nest builds its graph. Default: all but `partition`, which cannot work without
   * options. `forRoot` reads the keys of its options instead and refuses this field.
   */
  readonly capabilities?: readonly CapabilityName[] | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<DistributedModuleOptions>({ moduleName: 'Distributed' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createDistributedOptions')
    .setExtras<DistributedModuleExtras>({ capabilities: undefined }, (definition) => definition)
    .build();
