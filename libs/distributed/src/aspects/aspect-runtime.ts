/** One per application: knows the handlers and runs the chain of a woven method. */
import type { Aspect, AspectCall, AspectHandler, AspectMethod, Shortcut } from './aspect.js';
import { methodLabel, NO_ANSWER } from './aspect.js';
import type { AspectKind } from './aspect-order.js';
import { CapabilityMissingError } from './aspect.errors.js';

const BRAND = Symbol.for('nestjs-distributed:aspect-runtime');

/** The capability that serves a kind of aspect, as named in `forRoot()`. */
const CAPABILITY_OF: Readonly<Partial<Record<AspectKind, string>>> = {
  'cache-evict': 'cache',
  semaphore: 'lock',
  leader: 'lock',
};

/** Runs what is further in, with other arguments if it is given an array of them. */
type Continue = (args?: readonly unknown[]) => Promise<unknown>;

/** The shortcut of a method for one class; a list, because nearly always there is one class. */
interface KnownShortcut {
  readonly targetClass: AspectMethod['targetClass'];
  readonly shortcut: Shortcut;
  readonly next: KnownShortcut | undefined;
}

const noAnswer: Shortcut = () => NO_ANSWER;

/**
 * Runs decorated methods. Injectable, for `bindAspects` and for tests
 * (`overrideProvider(AspectRuntime).useValue(AspectRuntime.passThrough())`).
 */
export class AspectRuntime {
  readonly [BRAND] = true;
  readonly #handlers: ReadonlyMap<AspectKind, AspectHandler>;
  readonly #passThrough: boolean;
  /** By the aspects of a method, which are the method's own array. */
  readonly #shortcuts = new Map<readonly Aspect[], KnownShortcut>();

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

  /** What the outermost aspect answers without its chain, or `NO_ANSWER`. */
  answer(
    aspects: readonly Aspect[],
    targetClass: AspectMethod['targetClass'],
    methodName: string | symbol,
    args: readonly unknown[],
  ): unknown {
    const first = this.#shortcuts.get(aspects);
    for (let known = first; known; known = known.next)
      if (known.targetClass === targetClass) return known.shortcut(args);
    const shortcut = this.#shortcutOf(aspects, { targetClass, methodName });
    this.#shortcuts.set(aspects, { targetClass, shortcut, next: first });
    return shortcut(args);
  }

  /** Runs `proceed` inside the handlers of `aspects`, which are sorted outermost first. */
  invoke(aspects: readonly Aspect[], call: AspectCall, proceed: Continue): Promise<unknown> {
    if (this.#passThrough) return proceed();
    return this.#step(aspects, 0, call, proceed);
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

  #step(
    aspects: readonly Aspect[],
    index: number,
    call: AspectCall,
    proceed: Continue,
  ): Promise<unknown> {
    const aspect = aspects[index];
    if (!aspect) return proceed();
    const last = index === aspects.length - 1;
    const next: Continue = last
      ? proceed
      : (args) =>
          // What calls back with something else than arguments (a lock, an attempt) changes nothing.
          Array.isArray(args)
            ? this.#step(aspects, index + 1, { ...call, args }, (inner) =>
                proceed(Array.isArray(inner) ? inner : args),
              )
            : this.#step(aspects, index + 1, call, proceed);
    return this.#handlerOf(aspect, call).run(aspect.options, call, next);
  }

  #shortcutOf([outermost]: readonly Aspect[], method: AspectMethod): Shortcut {
    if (this.#passThrough || !outermost) return noAnswer;
    return this.#handlerOf(outermost, method).shortcut?.(outermost.options, method) ?? noAnswer;
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
