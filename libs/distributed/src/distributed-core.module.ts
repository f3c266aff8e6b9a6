/** What every room stands on: the options as written, the clock, the source of randomness. */
import { type DynamicModule, Module } from '@nestjs/common';
import { InvalidOptionsError } from './distributed.errors.js';
import { MODULE_OPTIONS_TOKEN } from './distributed.module-definition.js';
import type { DistributedModuleOptions } from './distributed.options.js';
import { CAPABILITIES, type CapabilityName, capabilityOptionsToken } from './distributed.tokens.js';
import { REDIS_OPTIONS } from './redis/index.js';
import { Clock, Random, SystemClock, SystemRandom } from './time/index.js';

@Module({})
export class DistributedCoreModule {
  /**
   * @param definition what Nest's builder made: the providers of the options, and their imports
   * @param capabilities the rooms that are switched on
   */
  static register(
    definition: DynamicModule,
    capabilities: readonly CapabilityName[],
  ): DynamicModule {
    const optionsOf = (name: CapabilityName) => ({
      provide: capabilityOptionsToken(name),
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: (options: DistributedModuleOptions) =>
        checkKeys(options, capabilities)[name] ?? {},
    });
    const providers = [
      { provide: Clock, useClass: SystemClock },
      { provide: Random, useClass: SystemRandom },
      {
        provide: REDIS_OPTIONS,
        inject: [MODULE_OPTIONS_TOKEN],
        useFactory: (options: DistributedModuleOptions) =>
          options.redis ?? (needsRedis(options, capabilities) ? undefined : null),
      },
      ...capabilities.map(optionsOf),
    ];
    return {
      module: DistributedCoreModule,
      imports: definition.imports ?? [],
      providers: [...(definition.providers ?? []), ...providers],
      exports: providers.map((provider) => provider.provide),
    };
  }
}

/** False when the only room that could use Redis was given a store of its own. */
function needsRedis(
  options: DistributedModuleOptions,
  capabilities: readonly CapabilityName[],
): boolean {
  return capabilities.includes('cache') || options.lock?.store === undefined;
}

/** Options may name the capabilities that are switched on, `redis`, and nothing else. */
function checkKeys(
  options: DistributedModuleOptions,
  capabilities: readonly CapabilityName[],
): DistributedModuleOptions {
  for (const key of Object.keys(options) as (keyof DistributedModuleOptions)[]) {
    if (key === 'redis' || options[key] === undefined) continue;
    const path = `DistributedModule.forRoot().${key}`;
    if (!CAPABILITIES.includes(key)) {
      throw new InvalidOptionsError(
        path,
        `unknown option '${key}'; remove it or check its spelling`,
      );
    }
    if (!capabilities.includes(key)) {
      throw new InvalidOptionsError(
        path,
        `is configured but not switched on: add '${key}' to the capabilities of forRootAsync()`,
      );
    }
  }
  return options;
}
