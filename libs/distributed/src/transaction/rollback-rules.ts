/** Which errors roll back. Every throw does, unless `noRollbackFor` says otherwise. */

/** An error class, or a function that looks at the error. */
export type ErrorMatcher =
  // oxlint-disable-next-line typescript/no-explicit-any -- constructor parameters are contravariant
  (abstract new (...args: any[]) => Error) | ((error: unknown) => boolean);

/** The two lists of a call. */
export interface RollbackRules {
  readonly rollbackFor: readonly ErrorMatcher[];
  readonly noRollbackFor: readonly ErrorMatcher[];
}

/** Whether a throw of `error` undoes the work. `rollbackFor` wins over `noRollbackFor`. */
export function rollsBack(error: unknown, rules: RollbackRules): boolean {
  const matches = (matcher: ErrorMatcher): boolean =>
    isErrorClass(matcher)
      ? error instanceof matcher
      : (matcher as (error: unknown) => boolean)(error);
  return !rules.noRollbackFor.some(matches) || rules.rollbackFor.some(matches);
}

function isErrorClass(matcher: ErrorMatcher): matcher is abstract new () => Error {
  const prototype: unknown = matcher.prototype;
  return matcher === Error || prototype instanceof Error;
}
