/**
 * How an instance finds the runtime of its own application: Nest's property injection, planted on
 * the prototype, writes into a WeakMap. Instances stay clean, applications stay apart.
 */
import { Inject } from '@nestjs/common';
import { AspectUnboundError } from './aspect.errors.js';
import { AspectRuntime } from './aspect-runtime.js';

/** Nest prints this description when the property cannot be injected: it is the help text. */
const RUNTIME = Symbol('DistributedModule.forRoot() is not imported');

/** Set by `nestjs-distributed/testing/pass-through` alone; see there. */
const UNBOUND_PASS_THROUGH = Symbol.for('nestjs-distributed:unbound-pass-through');

/** The one process-wide table; keyed by instance, so nothing leaks between applications. */
const runtimes = new WeakMap<object, AspectRuntime>();

/** Makes Nest hand the application's runtime to every instance of the class. Idempotent. */
export function plantRuntime(prototype: object): void {
  if (Object.hasOwn(prototype, RUNTIME)) return;
  Object.defineProperty(prototype, RUNTIME, {
    configurable: true,
    enumerable: false,
    get(this: object) {
      return runtimes.get(this);
    },
    set(this: object, value: unknown) {
      // An auto-mocked runtime would answer `undefined` for every decorated method.
      runtimes.set(this, AspectRuntime.isRuntime(value) ? value : AspectRuntime.passThrough());
    },
  });
  Inject(AspectRuntime)(prototype, RUNTIME);
}

/**
 * Binds an instance that Nest did not create to an application's runtime.
 * @param runtime `app.get(AspectRuntime)`
 */
export function bindAspects<T extends object>(instance: T, runtime: AspectRuntime): T {
  runtimes.set(instance, runtime);
  return instance;
}

/** Whether the instance has a runtime already. */
export function isBound(instance: object): boolean {
  return runtimes.has(instance);
}

/**
 * The runtime an instance is bound to.
 * @throws AspectUnboundError `E_ASPECT_UNBOUND`: fail closed, never run a body unprotected
 */
export function runtimeOf(instance: object, label: () => string): AspectRuntime {
  const runtime =
    typeof instance === 'object' && instance !== null ? runtimes.get(instance) : undefined;
  if (runtime) return runtime;
  if ((globalThis as Record<symbol, unknown>)[UNBOUND_PASS_THROUGH] === true)
    return AspectRuntime.passThrough();
  throw new AspectUnboundError(label());
}
