/**
 * Looks at every class of the application once, before any other `onModuleInit` hook: binds
 * instances Nest did not construct (`useFactory`, `useValue`), validates every decorated method and
 * logs its chain.
 */
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { type AspectMethod, methodLabel } from './aspect.js';
import { bindAspects, isBound } from './aspect-binding.js';
import { AspectRuntime } from './aspect-runtime.js';
import { inspectAspects } from './weave.js';

type Constructor = abstract new (...args: never[]) => unknown;

/** The part of Nest's InstanceWrapper that is read here. */
interface Wrapper {
  readonly instance: unknown;
  readonly metatype: unknown;
  readonly isAlias?: boolean;
  isDependencyTreeStatic(): boolean;
}

@Injectable()
export class AspectBinder implements OnModuleInit {
  readonly #logger = new Logger('AspectBinder');

  constructor(
    private readonly modules: ModulesContainer,
    private readonly runtime: AspectRuntime,
  ) {}

  onModuleInit(): void {
    const seen = new Set<Constructor>();
    for (const wrapper of this.#wrappers()) {
      const targetClass = classOf(wrapper);
      if (!targetClass || !hasPrototype(targetClass)) continue;
      const methods = decoratedMethods(targetClass);
      if (methods.length === 0) continue;
      this.#bind(wrapper);
      if (seen.has(targetClass)) continue;
      seen.add(targetClass);
      for (const method of methods) this.#check(method);
    }
  }

  *#wrappers(): Iterable<Wrapper> {
    for (const module of this.modules.values()) {
      yield* module.providers.values() as Iterable<Wrapper>;
      yield* module.controllers.values() as Iterable<Wrapper>;
      yield* module.injectables.values() as Iterable<Wrapper>;
    }
  }

  #bind(wrapper: Wrapper): void {
    const { instance } = wrapper;
    if (!wrapper.isDependencyTreeStatic() || typeof instance !== 'object' || instance === null)
      return;
    if (!isBound(instance)) bindAspects(instance, this.runtime);
  }

  #check(method: AspectMethod): void {
    const aspects = inspectAspects(
      (method.targetClass.prototype as Record<string | symbol, unknown>)[method.methodName],
    );
    this.runtime.validate(aspects, method);
    this.#logger.log(
      `${methodLabel(method)}(): ${aspects.map((aspect) => aspect.kind).join(' → ')}`,
    );
  }
}

/** The class of what the wrapper holds; for factories and values that of the instance. */
function classOf(wrapper: Wrapper): Constructor | undefined {
  const { instance, metatype } = wrapper;
  if (typeof instance === 'object' && instance !== null) {
    const prototype: unknown = Object.getPrototypeOf(instance);
    return prototype === null || prototype === undefined
      ? undefined
      : (prototype as { constructor?: Constructor }).constructor;
  }
  return typeof metatype === 'function' ? (metatype as Constructor) : undefined;
}

function hasPrototype(candidate: Constructor): boolean {
  return (
    typeof candidate === 'function' &&
    typeof candidate.prototype === 'object' &&
    candidate.prototype !== null
  );
}

function decoratedMethods(targetClass: Constructor): AspectMethod[] {
  const found = new Map<string | symbol, AspectMethod>();
  const overridden = new Set<string | symbol>();
  for (
    let prototype: object | null = targetClass.prototype as object;
    prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    for (const methodName of Reflect.ownKeys(prototype)) {
      if (overridden.has(methodName)) continue;
      overridden.add(methodName);
      const value: unknown = Object.getOwnPropertyDescriptor(prototype, methodName)?.value;
      if (inspectAspects(value).length > 0) found.set(methodName, { targetClass, methodName });
    }
  }
  return [...found.values()];
}
