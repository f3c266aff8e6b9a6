export type {
  Aspect,
  AspectCall,
  AspectHandler,
  AspectMethod,
  MethodAspect,
  Shortcut,
} from './aspect.js';
export { methodLabel, NO_ANSWER } from './aspect.js';
export {
  AspectDuplicateError,
  AspectObservableError,
  AspectSyncError,
  AspectTargetError,
  AspectUnboundError,
  CapabilityMissingError,
} from './aspect.errors.js';
export { AspectBinder } from './aspect-binder.explorer.js';
export { bindAspects } from './aspect-binding.js';
export { ASPECT_ORDER, type AspectKind } from './aspect-order.js';
export { AspectRuntime } from './aspect-runtime.js';
export {
  encodeKey,
  InvalidKeyError,
  type KeyInput,
  type KeyOption,
  type KeyPart,
  resolveKey,
} from './method-key.js';
export { type EncodedKeys, encodeKeys, type KeysInput, type KeysOption } from './method-keys.js';
export { type AspectDefinition, inspectAspects, weave } from './weave.js';
