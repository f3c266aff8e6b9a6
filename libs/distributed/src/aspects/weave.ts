/**
 * The only code that touches method descriptors. The first aspect replaces the method by one woven
 * function; further aspects only add data to it. Why at decoration and not in an explorer: Nest
 * captures route and message handlers before `onModuleInit` (docs/adr/0001).
 */
import { InvalidOptionsError } from '../distributed.errors.js';
import { type Aspect, type AspectCall, type MethodAspect, NO_ANSWER } from './aspect.js';
import { ASPECT_ORDER, type AspectKind } from './aspect-order.js';
import { plantRuntime, runtimeOf } from './aspect-binding.js';
import type { AspectRuntime } from './aspect-runtime.js';
import {
  AspectDuplicateError,
  AspectObservableError,
  AspectSyncError,
  AspectTargetError,
} from './aspect.errors.js';

const ASPECTS = Symbol.for('nestjs-distributed:aspects');

type Method = (this: object, ...args: unknown[]) => unknown;
type Woven = Method & { [ASPECTS]: Aspect[] };

/** What a decorator asks for. */
export interface AspectDefinition<O> {
  readonly kind: AspectKind;
  /** Name of the decorator: `DistributedLock`. */
  readonly decorator: string;
  /** Overrides the place in `ASPECT_ORDER` for this one method. */
  readonly order?: number | undefined;
  /** Validates and returns the options; `path` names decorator and method for messages. */
  readonly options: (path: string) => O;
  /** Merges with the same kind already on the method; without it a second use is refused. */
  readonly combine?: (existing: O, added: O, path: string) => O;
}

/**
 * Makes a method decorator of an aspect.
 * @throws AspectTargetError `E_ASPECT_TARGET` on statics, accessors, arrow properties, generators
 * @throws AspectDuplicateError `E_ASPECT_DUPLICATE`
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` for an order that is no number
 */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export function weave<O, A extends any[] = any[], R = any>(
  definition: AspectDefinition<O>,
): MethodAspect<A, R> {
  const decorate = (
    target: object,
    key: string | symbol,
    descriptor?: PropertyDescriptor,
  ): void => {
    const owner = typeof target === 'function' ? target.name : target.constructor.name;
    const where = `@${definition.decorator}() on ${owner}.${String(key)}()`;
    const method = weavable(target, descriptor, where);
    const woven =
      isWoven(method) && Object.hasOwn(method, ASPECTS) ? method : wrap(method, target, key);
    addAspect(woven[ASPECTS], definition, where);
    (descriptor as PropertyDescriptor).value = woven;
    plantRuntime(target);
  };
  return decorate as MethodAspect<A, R>;
}

/** The aspects of a method, outermost first; empty for undecorated ones. */
export function inspectAspects(method: unknown): readonly Aspect[] {
  return isWoven(method) ? [...method[ASPECTS]] : [];
}

function wrap(original: Method, target: object, key: string | symbol): Woven {
  const label = (): string => `${target.constructor.name}.${String(key)}`;
  const aspects: Aspect[] = [];
  // `async`, so that every failure is a rejection and never a synchronous throw.
  const woven = async function (this: object, ...args: unknown[]): Promise<unknown> {
    const runtime = runtimeOf(this, label);
    const targetClass = this.constructor as abstract new () => unknown;
    const answer = runtime.answer(aspects, targetClass, key, args);
    // The rest has functions that hold `this` and `args`: elsewhere, so that an answer makes none.
    return answer === NO_ANSWER ? enter(runtime, this, targetClass, args) : answer;
  };
  const enter = (
    runtime: AspectRuntime,
    instance: object,
    targetClass: AspectCall['targetClass'],
    args: unknown[],
  ): Promise<unknown> =>
    runtime.invoke(aspects, { instance, targetClass, methodName: key, args }, (given) =>
      settled(original, instance, Array.isArray(given) ? given : args, label),
    );
  // Metadata and own properties of decorators below stay visible, live, through the prototype.
  Object.setPrototypeOf(woven, original);
  Object.defineProperty(woven, 'name', { value: original.name, configurable: true });
  Object.defineProperty(woven, 'length', { value: original.length, configurable: true });
  Object.defineProperty(woven, ASPECTS, { value: aspects });
  return woven as unknown as Woven;
}

function addAspect<O>(aspects: Aspect[], definition: AspectDefinition<O>, where: string): void {
  const index = aspects.findIndex((aspect) => aspect.kind === definition.kind);
  const existing = aspects[index] as Aspect<O> | undefined;
  if (existing && !definition.combine) throw new AspectDuplicateError(where);
  const added = definition.options(where);
  const options =
    existing && definition.combine ? definition.combine(existing.options, added, where) : added;
  const order = definition.order ?? existing?.order ?? ASPECT_ORDER[definition.kind];
  if (!Number.isFinite(order))
    throw new InvalidOptionsError(`${where}.order`, 'expected a finite number; see ASPECT_ORDER');
  const aspect: Aspect = { kind: definition.kind, decorator: definition.decorator, order, options };
  aspects.splice(existing ? index : aspects.length, existing ? 1 : 0, aspect);
  aspects.sort((a, b) => a.order - b.order);
}

function isWoven(method: unknown): method is Woven {
  return typeof method === 'function' && ASPECTS in method;
}

function weavable(
  target: object,
  descriptor: PropertyDescriptor | undefined,
  where: string,
): Method {
  if (typeof target === 'function')
    throw new AspectTargetError(
      where,
      'static methods have no instance to protect; make it an instance method.',
    );
  if (!descriptor)
    throw new AspectTargetError(
      where,
      'not a method; turn the arrow-function property into a method.',
    );
  if (typeof descriptor.value !== 'function')
    throw new AspectTargetError(where, 'accessors cannot be decorated; use an async method.');
  const method = descriptor.value as Method;
  if (/Generator/.test(Object.prototype.toString.call(method))) {
    throw new AspectTargetError(
      where,
      'generators outlive their protection; return a promise of the collected values.',
    );
  }
  return method;
}

/** Runs the body; refuses results that would outlive the protection, or never had any. */
async function settled(
  original: Method,
  instance: object,
  args: unknown[],
  label: () => string,
): Promise<unknown> {
  const result = original.apply(instance, args);
  if (isObservable(result)) throw new AspectObservableError(label());
  if (!isPromiseLike(result)) throw new AspectSyncError(label());
  const value = await result;
  if (isObservable(value)) throw new AspectObservableError(label());
  return value;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function isObservable(value: unknown): boolean {
  return typeof (value as { subscribe?: unknown } | null | undefined)?.subscribe === 'function';
}
