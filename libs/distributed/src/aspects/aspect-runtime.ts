/** One per application: knows the handlers and runs the chain of a woven method. */
import type { Aspect, AspectCall, AspectHandler, AspectMethod } from './aspect.js';
import { methodLabel } from './aspect.js';
import type { AspectKind } from './aspect-order.js';
import { CapabilityMissingError } from './aspect.errors.js';

const BRAND = Symbol.for('nestjs-distributed:aspect-runtime');

/** The capability that serves a kind of aspect, as named in `forRoot()`. */
const CAPABILITY_OF: Readonly<Partial<Record<AspectKind, string>>> = {
  'cache-evict': 'cache',
  semaphore: 'lock',
  leader: 'lock',
};

/**
 * Runs decorated methods. Injectable, for `bindAspects` and for tests
 * (`overrideProvider(AspectRuntime).useValue(AspectRuntime.passThrough())`).
 */
export class AspectRuntime {
  readonly [BRAND] = true;
  readonly #handlers: ReadonlyMap<AspectKind, AspectHandler>;
  readonly #passThrough: boolean;

  constructor(handlers: readonly AspectHandler[], options: { passThrough?: boolean } = {}) {
    this.#handlers = new Map(handlers.map((handler) => [handler.kind, handler]));
    this.#passThrough = options.passThrough ?? false;
  }

  /** A runtime that runs method bodies bare: for unit tests only. */
  static passThrough(): AspectRuntime {
    return new AspectRuntime([], { passThrough: true });
  }

  /** True for runtimes of this library, also of another installed copy; false for mocks. */
  static isRuntime(value: unknown): value is AspectRuntime {
    return (
      typeof value === 'object' &&
      value !== null &&
      Object.hasOwn(value, BRAND) &&
      value[BRAND as keyof object] === true
    );
  }

  /** Runs `proceed` inside the handlers of `aspects`, which are sorted outermost first. */
  invoke(
    aspects: readonly Aspect[],
    call: AspectCall,
    proceed: () => Promise<unknown>,
  ): Promise<unknown> {
    if (this.#passThrough) return proceed();
    const step = (index: number): Promise<unknown> => {
      const aspect = aspects[index];
      return aspect
        ? this.#handlerOf(aspect, call).run(aspect.options, call, () => step(index + 1))
        : proceed();
    };
    return step(0);
  }

  /**
   * Checks one decorated method at boot.
   * @throws CapabilityMissingError `E_CAPABILITY_MISSING`, or what the handler finds wrong
   */
  validate(aspects: readonly Aspect[], method: AspectMethod): void {
    if (this.#passThrough) return;
    for (const aspect of aspects)
      this.#handlerOf(aspect, method).validate?.(aspect.options, method);
  }

  #handlerOf(aspect: Aspect, method: AspectMethod): AspectHandler {
    const handler = this.#handlers.get(aspect.kind);
    if (handler) return handler;
    throw new CapabilityMissingError(
      methodLabel(method),
      aspect.decorator,
      CAPABILITY_OF[aspect.kind] ?? aspect.kind,
    );
  }
}
