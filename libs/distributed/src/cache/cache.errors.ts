/** Errors of the cache capability. They name caches and methods, never keys or values. */
import { DistributedError } from '../distributed.errors.js';

/** `E_CACHE_KEY`: a key does not identify an entry beyond doubt. Nothing was run. */
export class CacheKeyError extends DistributedError {
  constructor(label: string, problem: string) {
    super(
      'E_CACHE_KEY',
      `The cache key of ${label} ${problem}. Give a \`key\` made of strings, numbers, bigints, booleans, ` +
        'dates, arrays and plain objects, for example key: (dto) => dto.id or key: (dto) => ({ ...dto }).',
    );
  }
}

/** `E_CACHE_VALUE`: a value has no stored form that every level could give back alike. */
export class CacheValueError extends DistributedError {
  constructor(label: string, problem: string, options: ErrorOptions = {}) {
    super(
      'E_CACHE_VALUE',
      `The value of the cache '${label}' ${problem}. Return plain data: what JSON has, undefined, bigint, Date, Map and Set.`,
      { ...options, details: { cache: label } },
    );
  }
}

/** `E_CACHE_TIMEOUT`: a load took longer than `timeout.hard`; its signal is aborted, its result is not used. */
export class CacheTimeoutError extends DistributedError {
  constructor(label: string, timeoutMs: number) {
    super(
      'E_CACHE_TIMEOUT',
      `Loading a value of the cache '${label}' took longer than ${timeoutMs} ms (timeout.hard). Make the load faster, ` +
        'let it heed its signal (currentCacheLoad()?.signal), or give it more time.',
      { retryable: true, details: { cache: label, timeoutMs } },
    );
  }
}

/** `E_CACHE_BATCH`: the load of several keys did not return one value per key. */
export class CacheBatchError extends DistributedError {
  constructor(label: string, expected: number, received: number | undefined) {
    super(
      'E_CACHE_BATCH',
      `The load of several values of the cache '${label}' was asked for ${expected} and returned ` +
        `${received === undefined ? 'no array' : received}. Return an array with one value per given key, in their ` +
        'order; undefined where there is none.',
      { details: { cache: label } },
    );
  }
}

/**
 * `E_CACHE_BACKEND`: Redis has not answered for a while and is not asked. Callers do not see it:
 * their methods run without the cache.
 */
export class CacheBackendError extends DistributedError {
  constructor() {
    super('E_CACHE_BACKEND', 'Redis does not answer; the cache asks it again in a moment.', {
      retryable: true,
    });
  }
}

/** `E_CACHE_NAME_DUPLICATE`: two definitions claim one cache name, so they would share entries. */
export class CacheNameDuplicateError extends DistributedError {
  constructor(name: string, first: string, second: string) {
    super(
      'E_CACHE_NAME_DUPLICATE',
      `The cache '${name}' is defined by ${first} and by ${second}. Give one of them another \`name\`; ` +
        'without a `name` every class gets its own: Class.method.',
      { details: { cache: name } },
    );
  }
}

/** `E_CACHE_UNKNOWN`: a decorator evicts or writes a cache that nothing defines. */
export class CacheUnknownError extends DistributedError {
  constructor(name: string, where: string, known: readonly string[]) {
    super(
      'E_CACHE_UNKNOWN',
      `${where} names the cache '${name}', which no @Cached() defines. Known: ${known.join(', ') || 'none'}. ` +
        "Check the spelling, or declare a cache that other services or CacheService use: cache: { caches: { '" +
        `${name}': {} } }.`,
      { details: { cache: name } },
    );
  }
}

/**
 * `E_CACHE_INVALIDATION`: Redis did not confirm an eviction (or put), so other nodes may serve the
 * old value. What the method did stays done; this node serves nothing cached for the key, and the
 * eviction is repeated in the background until it is confirmed. Not retryable: that would repeat
 * the method.
 */
export class CacheInvalidationError extends DistributedError {
  constructor(names: readonly string[], cause: unknown) {
    super(
      'E_CACHE_INVALIDATION',
      `The eviction from ${names.map((name) => `'${name}'`).join(', ')} is not confirmed by Redis and is retried in the background. ` +
        "What the method wrote stays written. Check Redis, or accept a late eviction with onInvalidateFailure: 'retry'.",
      { cause, details: { caches: names } },
    );
  }
}
