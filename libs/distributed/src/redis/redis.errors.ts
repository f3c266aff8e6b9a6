/** Errors of the Redis layer. Each says whether the command may have been executed. */
import { DistributedError } from '../distributed.errors.js';

/** `no`: the server has certainly not executed it. `unknown`: it may have, or may still do so. */
export type RedisExecuted = 'no' | 'unknown';

/** Facts about a call that failed. */
export interface RedisFailure {
  /** What was called: the name of a script, or the label given to `execute`. */
  readonly label: string;
  readonly executed: RedisExecuted;
  readonly cause?: unknown;
}

/** Common part of the errors below. */
abstract class RedisCallError extends DistributedError {
  /** Whether the command may have been executed. */
  readonly executed: RedisExecuted;

  constructor(code: string, message: string, failure: RedisFailure) {
    super(code, message, {
      retryable: true,
      cause: failure.cause,
      details: { label: failure.label, executed: failure.executed },
    });
    this.executed = failure.executed;
  }
}

/** `E_REDIS_DEADLINE`: no reply before the call's own deadline. */
export class RedisDeadlineError extends RedisCallError {
  constructor(failure: RedisFailure, deadlineMs: number) {
    const effect =
      failure.executed === 'no' ? 'It was not executed.' : 'It may have been executed.';
    super(
      'E_REDIS_DEADLINE',
      `Redis did not answer '${failure.label}' within ${deadlineMs} ms. ${effect}`,
      failure,
    );
  }
}

/** `E_REDIS_UNAVAILABLE`: there is no connection to Redis, or it was lost during the call. */
export class RedisUnavailableError extends RedisCallError {
  constructor(failure: RedisFailure, reason: string) {
    const effect =
      failure.executed === 'no' ? 'It was not executed.' : 'It may have been executed.';
    super(
      'E_REDIS_UNAVAILABLE',
      `Redis is not available for '${failure.label}': ${reason}. ${effect}`,
      failure,
    );
  }
}

/** `E_REDIS_KEY`: a name that cannot be part of a key with a hash tag. */
export class RedisKeyError extends DistributedError {
  constructor(room: string, name: string) {
    super(
      'E_REDIS_KEY',
      `'${name}' cannot name a Redis key of ${room}: it must not be empty nor contain '{' or '}'. Encode it with encodeKey().`,
    );
  }
}
