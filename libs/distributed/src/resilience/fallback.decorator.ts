/** `@Fallback`: what to return when the call failed for good. */
import type { FallbackHandler } from './fallback.js';
import { weaveSections } from './sections.decorator.js';

/* oxlint-disable typescript/no-explicit-any -- parameters are contravariant, see MethodAspect */
/** Fits asynchronous methods that begin with parameters `A` and may resolve with an `R`. */
export interface FallbackDecorator<A extends any[], R> {
  <P extends [...A, ...any[]], Q>(
    target: object,
    propertyKey: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: P) => Promise<Q>> &
      ([R] extends [Q] ? unknown : 'the fallback returns something the method does not'),
  ): void;
}

/**
 * Calls `handler` once, after the last attempt, whatever the failure; rethrow the error for those
 * it has no answer to. It gets the error, the arguments, and the facts; `this` is the instance.
 * Not called when the caller itself gave up.
 *
 * @example
 * @Fallback((error, [id]: [string]) => ({ id, price: null }))
 */
export function Fallback<A extends any[] = any[], R = any>(
  handler: FallbackHandler<A, R>,
): FallbackDecorator<A, Awaited<R>> {
  return weaveSections('Fallback', () => ({ fallback: handler as FallbackHandler }));
}
/* oxlint-enable typescript/no-explicit-any */
