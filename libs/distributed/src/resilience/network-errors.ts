/** Classification of errors: the one place that decides what is worth another try. */
import { executedByAttempts } from './attempts.js';
import { BUILT_IN_CLASSIFIERS } from './classifiers/index.js';
import {
  type ErrorClassifier,
  isNetworkFailure,
  mostExecuted,
  type NetworkFailure,
} from './failure.js';

/** Nobody recognised it: do not repeat what may have been done. */
const UNKNOWN: NetworkFailure = { kind: 'permanent', executed: 'unknown', source: 'unknown' };

/** Chains of causes are short; a longer one is a cycle. */
const MAX_DEPTH = 5;

/** Pure functions over errors of Node, undici/fetch, ioredis, Redis, PostgreSQL, HTTP and Nest. */
export const NetworkErrors = {
  /**
   * What kind of failure `error` is and whether the work may have been done. Looks at the error,
   * then at what it wraps (`cause`, TypeORM's `driverError`, `RpcException.getError()`). Never throws.
   * @param classifiers asked before the built-in ones
   */
  classify(error: unknown, classifiers: readonly ErrorClassifier[] = []): NetworkFailure {
    const failure = search(error, [...classifiers, ...BUILT_IN_CLASSIFIERS], 0) ?? UNKNOWN;
    const executed = executedByAttempts(error);
    return executed === undefined
      ? failure
      : { ...failure, executed: mostExecuted(failure.executed, executed) };
  },
} as const;

/**
 * Classifies `error` and tells `onNetworkError` when it came from the network or from the state of
 * a server, not from the request. Throws only what the hook throws; what to do is up to you.
 *
 * @example
 * client.on('error', (error) => handleNetworkError(error, (failure) => metrics.count(failure.code)));
 */
export function handleNetworkError(
  error: unknown,
  onNetworkError?: (failure: NetworkFailure, error: unknown) => void,
): NetworkFailure {
  const failure = NetworkErrors.classify(error);
  if (onNetworkError && isNetworkFailure(failure)) onNetworkError(failure, error);
  return failure;
}

function search(
  error: unknown,
  classifiers: readonly ErrorClassifier[],
  depth: number,
): NetworkFailure | undefined {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return undefined;
  for (const classifier of classifiers) {
    const failure = ask(classifier, error);
    if (failure) return failure;
  }
  for (const wrapped of wrappedBy(error)) {
    const failure = search(wrapped, classifiers, depth + 1);
    if (failure) return failure;
  }
  return undefined;
}

function ask(classifier: ErrorClassifier, error: object): NetworkFailure | undefined {
  try {
    return classifier(error);
  } catch {
    // A classifier that fails on a strange error must not replace that error by its own.
    return undefined;
  }
}

/** What the error carries, most telling first. */
function* wrappedBy(error: object): Iterable<unknown> {
  const { driverError, getError, errors, cause } = error as Record<
    'driverError' | 'getError' | 'errors' | 'cause',
    unknown
  >;
  yield driverError;
  if (typeof getError === 'function') yield (getError as () => unknown).call(error);
  if (Array.isArray(errors)) yield* errors;
  yield cause;
}
