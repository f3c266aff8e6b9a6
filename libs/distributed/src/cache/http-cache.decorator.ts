/** `@HttpCache()`: how `HttpCacheInterceptor` caches a route, or every route of a controller. */
import { SetMetadata } from '@nestjs/common';
import {
  type HttpCacheOptions,
  type HttpCacheSettings,
  resolveHttpCacheOptions,
} from './http-cache.options.js';
import type { HttpRequest } from './http-exchange.js';

const HTTP_CACHE = Symbol.for('nestjs-distributed:http-cache');

/**
 * Options for the routes that `HttpCacheInterceptor` caches; those of a method win over those of its
 * class. Without the interceptor it does nothing.
 *
 * @example
 * @UseInterceptors(HttpCacheInterceptor)
 * @HttpCache({ ttl: '30s', principal: (request: Request) => request.user?.id })
 * @Get('orders')
 *
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration
 */
export function HttpCache<R extends object = HttpRequest>(
  options: HttpCacheOptions<R>,
): ClassDecorator & MethodDecorator {
  return SetMetadata(HTTP_CACHE, resolveHttpCacheOptions(options, '@HttpCache()'));
}

/** The options of a route: its own, then its controller's. */
export function httpCacheSettings(handler: object, targetClass: object): HttpCacheSettings {
  return {
    ...(Reflect.getMetadata(HTTP_CACHE, targetClass) as HttpCacheSettings | undefined),
    ...(Reflect.getMetadata(HTTP_CACHE, handler) as HttpCacheSettings | undefined),
  };
}
