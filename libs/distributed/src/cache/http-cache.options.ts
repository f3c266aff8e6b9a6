/** What `@HttpCache()` takes, and what it becomes. */
import * as v from 'valibot';
import type { KeyInput } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/duration.js';
import { positiveDurationSchema } from './cache-definition.options.js';
import { cacheNameSchema } from './cache.options.js';
import type { HttpRequest } from './http-exchange.js';

/**
 * Who asks. What it returns becomes part of the key; `undefined`, `null` and `''` mean that nobody
 * is known: then a request with credentials is not cached, and one without shares its response.
 */
export type HttpPrincipal<R extends object = HttpRequest> = (
  request: R,
) => KeyInput | undefined | null;

/** Options of `@HttpCache()`. `R`: the request as the platform has it. */
export interface HttpCacheOptions<R extends object = HttpRequest> {
  /** Lifetime of a response; a shorter `max-age` on the route wins. Default: the cache's. */
  readonly ttl?: Duration;
  /** Name of the cache; several routes may share one. Default `http.Class.method`. */
  readonly name?: string;
  /**
   * Who asks, or `'public'` when the response does not depend on it. Default: a request with
   * credentials (`Authorization`, a cookie, an API key, `request.user`) is not cached.
   */
  readonly principal?: HttpPrincipal<R> | 'public';
  /** Request headers the response depends on. Those in the response's `Vary` need not be named. */
  readonly vary?: readonly string[];
}

/** Checked options of one route. */
export interface HttpCacheSettings {
  readonly ttl?: number | undefined;
  readonly name?: string | undefined;
  readonly principal?: ((request: object) => unknown) | 'public' | undefined;
  readonly vary?: readonly string[] | undefined;
}

const schema = v.strictObject({
  ttl: v.optional(positiveDurationSchema),
  name: v.optional(cacheNameSchema),
  principal: v.optional(
    v.custom<(request: object) => unknown>(
      (value) => typeof value === 'function' || value === 'public',
      "expected a function of the request, or 'public'",
    ),
  ),
  vary: v.optional(
    v.array(
      v.pipe(
        v.string(),
        v.regex(/^[\w!#$%&'+.^`|~-]+$/, 'expected the name of a request header'),
        v.toLowerCase(),
      ),
    ),
  ),
});

/** @throws InvalidOptionsError `E_OPTIONS_INVALID` */
export function resolveHttpCacheOptions(options: object, path: string): HttpCacheSettings {
  return validateOptions(schema, options, path);
}
