/** `HttpCacheInterceptor`: caches the responses of GET and HEAD routes, and never mixes users. */
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { type Observable, from, lastValueFrom } from 'rxjs';
import { refusesCache } from './cache-control.js';
import { httpCacheSettings } from './http-cache.decorator.js';
import { HttpCacheService } from './http-cache.service.js';
import type { HttpRequest, HttpResponse } from './http-exchange.js';
import { isCacheableRequest, returnsBody, routeOf } from './http-route.js';

/**
 * Caches responses of status 200 for everybody who would get the same one. A request with credentials
 * is not cached unless `@HttpCache({ principal })` says whose it is. Obeys `Cache-Control`, `Vary` and
 * `Set-Cookie`; answers `If-None-Match` with 304. Streams, server-sent events, `@Res()` handlers and
 * everything that is not HTTP pass through. Guards run before it, pipes and the handler behind it.
 *
 * List it first: interceptors before it see what is cached, and change it for every request anew.
 *
 * @example
 * @UseInterceptors(HttpCacheInterceptor)
 * @HttpCache({ name: 'catalog', ttl: '30s' })
 * @Controller('catalog')
 */
@Injectable()
export class HttpCacheInterceptor implements NestInterceptor {
  constructor(private readonly responses: HttpCacheService) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http' || !returnsBody(context)) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    if (!isCacheableRequest(request) || refusesCache(request)) return next.handle();
    const targetClass = context.getClass();
    return from(
      this.responses.answer({
        request,
        response: http.getResponse<HttpResponse>(),
        settings: httpCacheSettings(context.getHandler(), targetClass),
        route: routeOf(context),
        targetClass,
        handle: () => lastValueFrom(next.handle(), { defaultValue: undefined }),
      }),
    );
  }
}
