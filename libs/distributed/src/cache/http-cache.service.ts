/** Answers requests from the cache: looks up, lets the handler answer, and decides what is stored. */
import { Injectable } from '@nestjs/common';
import { Clock } from '../time/index.js';
import { acceptedAgeMs, storableMs } from './cache-control.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheService } from './cache.service.js';
import { audienceOf, httpCacheKey } from './http-cache-key.js';
import type { HttpCacheSettings } from './http-cache.options.js';
import { type CachedResponse, cachedResponse, isKnown } from './http-cached-response.js';
import { UnsharedError } from './stored-error.js';
import {
  type HeaderValue,
  type HttpRequest,
  type HttpResponse,
  headersOf,
  listOf,
} from './http-exchange.js';

/** One request to a route that can be cached. */
export interface HttpCall {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly settings: HttpCacheSettings;
  /** See `routeOf`. */
  readonly route: string;
  readonly targetClass: object;
  /** Lets the handler answer this request. */
  readonly handle: () => Promise<unknown>;
}

/** Stored in place of a response that varies: where its variants are. */
interface Variants {
  readonly varyBy: readonly string[];
}

/** Rejects a load whose response is not to be stored, so that nobody who waits for it gets it. */
class NotForOthers extends UnsharedError {}

/** Nothing stale: a response of this request is not made in the background. */
const FRESH_ONLY = { staleWhileRevalidate: 0, staleIfError: 0, timeout: {}, background: false };

/** A place in the cache. */
interface Place {
  readonly name: string;
  readonly principal: unknown;
  readonly varyBy: readonly string[];
  readonly ttlMs: number;
  readonly before: Readonly<Record<string, HeaderValue>>;
}

/** The engine of `HttpCacheInterceptor`. */
@Injectable()
export class HttpCacheService {
  constructor(
    private readonly cache: CacheService,
    private readonly registry: CacheRegistry,
    private readonly clock: Clock,
  ) {}

  /** What Nest is to send. Rejects with the handler's own error. */
  async answer(call: HttpCall): Promise<unknown> {
    const place = this.#placeOf(call);
    if (!place) return call.handle();
    const found = await this.#load(call, place, false);
    if (!('variants' in found)) return found.body;
    const { varyBy } = found.variants;
    const variant = { ...place, varyBy: [...place.varyBy, ...varyBy] };
    const outcome = await this.#load(call, variant, true);
    return 'body' in outcome ? outcome.body : call.handle();
  }

  /** Undefined: this request is not for the cache. */
  #placeOf({ settings, request, response, route, targetClass }: HttpCall): Place | undefined {
    const audience = audienceOf(settings, request);
    if (audience === 'refused') return undefined;
    const name = settings.name ?? `http.${route.replace(/@.*/, '')}`;
    const before = headersOf(response);
    const region =
      this.registry.find(name) ??
      this.registry.define(
        name,
        { ttl: settings.ttl, refreshAhead: false },
        { label: route, targetClass },
      );
    const ttlMs = Math.min(
      settings.ttl ?? region.definition.ttl,
      storableMs(before['cache-control']),
    );
    const varyBy = [...(settings.vary ?? []), ...listOf(before['vary'])];
    if (ttlMs <= 0 || varyBy.includes('*')) return undefined;
    return { name, principal: audience.principal, varyBy, ttlMs, before };
  }

  async #load(
    call: HttpCall,
    place: Place,
    isVariant: boolean,
  ): Promise<{ readonly body: unknown } | { readonly variants: Variants }> {
    const { request, response, route } = call;
    const key = httpCacheKey(route, request, place.principal, place.varyBy);
    const { ttlMs, before } = place;
    let state: 'waiting' | 'running' | 'answered' = 'waiting';
    let own: { readonly body: unknown; readonly stored?: CachedResponse } | undefined;
    const load = async (): Promise<CachedResponse | Variants> => {
      // A refresh in the background has no response that a handler could work on.
      if (state === 'answered') throw new NotForOthers();
      state = 'running';
      const body = await call.handle();
      own = { body };
      const now = this.clock.epochMs();
      const stored = cachedResponse(body, { response, before, ttlMs, now, key });
      const unforeseen = listOf(headersOf(response)['vary']).filter(
        (name) => !place.varyBy.includes(name),
      );
      if (!stored || (isVariant && unforeseen.length > 0)) throw new NotForOthers();
      if (unforeseen.length > 0) return { varyBy: unforeseen };
      own = { body, stored };
      return stored;
    };
    try {
      const found = await this.cache.getOrSet(place.name, key, load, { ...FRESH_ONLY, ttl: ttlMs });
      state = 'answered';
      if (own) return { body: this.#sendOwn(call, own, found) };
      return 'varyBy' in found ? { variants: found } : { body: await this.#send(call, found) };
    } catch (error) {
      if (own) return own;
      // Of another request: its failure says nothing about this one.
      if (state === 'waiting') return { body: await call.handle() };
      throw error;
    }
  }

  /** The response that the handler has just made. */
  #sendOwn(
    call: HttpCall,
    own: { readonly body: unknown; readonly stored?: CachedResponse },
    found: CachedResponse | Variants,
  ): unknown {
    if (!own.stored) return own.body;
    this.#validate(call, own.stored);
    // Frozen as for everybody else, so that who changes it learns it at once.
    return 'etag' in found && found.etag === own.stored.etag ? found.body : own.body;
  }

  /** Makes the stored response this request's. */
  async #send(call: HttpCall, stored: CachedResponse): Promise<unknown> {
    const { request, response } = call;
    const ageMs = Math.max(0, this.clock.epochMs() - stored.storedAt);
    if (ageMs > acceptedAgeMs(request)) return call.handle();
    for (const [name, value] of stored.headers) response.header(name, value);
    response.header('Age', String(Math.floor(ageMs / 1000)));
    this.#validate(call, stored);
    return stored.body;
  }

  #validate({ request, response }: HttpCall, { etag }: CachedResponse): void {
    response.header('ETag', etag);
    // With the body, for interceptors further out; no platform sends the body of a 304.
    if (isKnown(etag, request.headers['if-none-match'])) response.status(304);
  }
}
