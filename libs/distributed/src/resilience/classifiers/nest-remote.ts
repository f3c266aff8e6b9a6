/** What Nest's microservice clients reject with when the other side threw. */
import type { ErrorClassifier } from '../failure.js';

/** Nest sends an exception it does not know as a plain object: the handler ran and threw. */
export const nestRemoteErrors: ErrorClassifier = (error) => {
  const { status } = error as { status?: unknown };
  if (error instanceof Error || status !== 'error') return undefined;
  return { kind: 'permanent', executed: 'yes', source: 'nest' };
};
