/** What a failure of Redis means for a lock. */
import { RedisDeadlineError, RedisUnavailableError } from '../redis/index.js';
import { LockBackendError } from './lock.errors.js';

/** The error of the port for one of the Redis layer, or of a script. */
export function backendError(error: unknown): LockBackendError {
  if (error instanceof LockBackendError) return error;
  // A script that failed may have failed half-way.
  const executed =
    error instanceof RedisDeadlineError || error instanceof RedisUnavailableError
      ? error.executed
      : 'unknown';
  const problem = error instanceof Error ? error.message : String(error);
  return new LockBackendError(problem, { executed, cause: error });
}

/** The same for one result of several. */
export function withBackendError<R>(result: PromiseSettledResult<R>): PromiseSettledResult<R> {
  if (result.status === 'fulfilled') return result;
  return { status: 'rejected', reason: backendError(result.reason) };
}
