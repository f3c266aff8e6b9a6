/** Injection tokens shared by the module and the rooms, so that rooms never import the module. */

/** The level-1 capabilities; the keys of `DistributedModule.forRoot()`. */
export const CAPABILITIES = ['lock', 'cache', 'transaction', 'partition', 'resilience'] as const;

/** Name of a level-1 capability. */
export type CapabilityName = (typeof CAPABILITIES)[number];

/** Token of a capability's options exactly as the user wrote them, not yet validated. */
export function capabilityOptionsToken(name: CapabilityName): symbol {
  return Symbol.for(`nestjs-distributed:options:${name}`);
}
