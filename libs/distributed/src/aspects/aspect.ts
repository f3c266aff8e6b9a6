/** The vocabulary of the kernel: an aspect is data on a woven method, a handler gives it behaviour. */
import type { AspectKind } from './aspect-order.js';

/** One capability applied to one method: what a decorator leaves behind. */
export interface Aspect<O = unknown> {
  readonly kind: AspectKind;
  /** Position in the chain; smaller is further out. */
  readonly order: number;
  /** Name of the decorator as users write it, for messages: `DistributedLock`. */
  readonly decorator: string;
  /** Validated options of the decorator. */
  readonly options: O;
}

/** A decorated method, as handlers see it at boot. */
export interface AspectMethod {
  /** The class whose instance carries the method (the subclass, when inherited). */
  readonly targetClass: abstract new (...args: never[]) => unknown;
  readonly methodName: string | symbol;
}

/** One invocation of a woven method. */
export interface AspectCall extends AspectMethod {
  readonly instance: object;
  readonly args: readonly unknown[];
}

/** What a shortcut returns that leaves the call to the chain. */
export const NO_ANSWER = Symbol('no answer');

/**
 * Answers a call of one method before its chain is entered. Synchronous; it takes the arguments and
 * returns what the method's promise is to hold, or `NO_ANSWER`. A throw rejects the call.
 */
export type Shortcut = (args: readonly unknown[]) => unknown;

/** Gives one kind of aspect its behaviour; one injectable per application. */
export interface AspectHandler<O = unknown> {
  readonly kind: AspectKind;
  /**
   * Runs around the rest of the chain. `next` runs everything further in, ending with the method
   * body; a handler may call it never, once, or (retries) several times. Everything further in, the
   * body included, gets other arguments if `next` is given an array of them.
   */
  run(
    options: O,
    call: AspectCall,
    next: (args?: readonly unknown[]) => Promise<unknown>,
  ): Promise<unknown>;
  /**
   * Called once per decorated method at boot; throws when a name (policy, cache, shard) is unknown
   * or the parameters do not fit.
   */
  validate?(options: O, method: AspectMethod): void;
  /**
   * Called once per method, at its first call, where this aspect is the outermost one: for answers
   * that are so cheap that entering the chain would cost more (a cached value).
   */
  shortcut?(options: O, method: AspectMethod): Shortcut | undefined;
}

/** `Class.method`, for messages and as a default name. */
export function methodLabel(method: AspectMethod): string {
  return `${method.targetClass.name}.${String(method.methodName)}`;
}

/* oxlint-disable typescript/no-explicit-any -- parameters are contravariant: only `any` lets a key
   function use a prefix of the method's parameters (research of the field: UseCls gets this wrong) */
/**
 * The type of every decorator here: fits asynchronous methods whose first parameters are `A` and
 * whose result is an `R`. Synchronous and Observable-returning methods do not compile.
 */
export interface MethodAspect<A extends any[] = any[], R = any> {
  <P extends [...A, ...any[]], Q extends R>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: P) => Promise<Q>>,
  ): void;
}
/* oxlint-enable typescript/no-explicit-any */
