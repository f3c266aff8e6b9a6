/** The part of the public face that no room owns: the kernel, the module, what rooms are built on. */
export {
  ASPECT_ORDER,
  type Aspect,
  type AspectCall,
  type AspectHandler,
  type AspectKind,
  type AspectMethod,
  AspectDuplicateError,
  AspectObservableError,
  AspectRuntime,
  AspectSyncError,
  AspectTargetError,
  AspectUnboundError,
  bindAspects,
  CapabilityMissingError,
  inspectAspects,
  InvalidKeyError,
  type KeyInput,
  type KeyOption,
  type KeyPart,
  type MethodAspect,
} from './aspects/index.js';
export {
  DistributedError,
  type DistributedErrorOptions,
  InvalidOptionsError,
  isDistributedError,
} from './distributed.errors.js';
export { DistributedModule } from './distributed.module.js';
export type { DistributedModuleExtras } from './distributed.module-definition.js';
export type { DistributedModuleOptions } from './distributed.options.js';
export type { CapabilityName } from './distributed.tokens.js';
export {
  RedisConnection,
  RedisDeadlineError,
  type RedisOptions,
  RedisUnavailableError,
} from './redis/index.js';
export { Clock, type Duration, Random, type Timer } from './time/index.js';
