/** What Nest's microservice clients reject with. */
import type { ErrorClassifier } from '../failure.js';

/**
 * Nest sends an exception it does not know as a plain object: the handler ran and threw. Its TCP and
 * Redis clients fail what waits for a reply with an error that has no code when they lose the server.
 */
export const nestRemoteErrors: ErrorClassifier = (error) => {
  const { status, message } = error as { status?: unknown; message?: unknown };
  if (error instanceof Error) {
    return message === 'Connection closed'
      ? { kind: 'transient', executed: 'unknown', source: 'nest', code: 'CONNECTION_CLOSED' }
      : undefined;
  }
  return status === 'error' ? { kind: 'permanent', executed: 'yes', source: 'nest' } : undefined;
};
