/** A response as it is stored: made of what a handler returned and did to its response. */
import { createHash } from 'node:crypto';
import { storableMs } from './cache-control.js';
import { isPlainObject } from './cache-key.js';
import { type HeaderValue, type HttpResponse, headersOf, listOf } from './http-exchange.js';

/** A cached response. Always of status 200. */
export interface CachedResponse {
  readonly body: unknown;
  /** What the handler set; headers of middleware are per request. */
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
  readonly etag: string;
  /** Wall clock, for `Age`. */
  readonly storedAt: number;
}

/** Headers that belong to one message, or that are stored by themselves. */
const NOT_STORED = ['age', 'connection', 'content-length', 'date', 'etag', 'transfer-encoding'];

/** What is known before the handler runs, to see afterwards what it did. */
export interface Circumstances {
  readonly response: HttpResponse;
  readonly before: Readonly<Record<string, HeaderValue>>;
  readonly ttlMs: number;
  readonly now: number;
  /** Part of the validator: responses of two keys are two representations. */
  readonly key: string;
}

/** The response to store, or undefined if it must not be. */
export function cachedResponse(
  body: unknown,
  { response, before, ttlMs, now, key }: Circumstances,
): CachedResponse | undefined {
  const after = headersOf(response);
  const storable =
    response.statusCode === 200 &&
    !response.headersSent &&
    !response.sent &&
    after['set-cookie'] === undefined &&
    storableMs(after['cache-control']) >= ttlMs &&
    !listOf(after['vary']).includes('*') &&
    body !== undefined &&
    isResponseData(body);
  if (!storable) return undefined;
  const { etag } = after;
  return {
    body,
    headers: Object.entries(after).filter(
      ([name, value]) => !NOT_STORED.includes(name) && String(value) !== String(before[name]),
    ),
    etag: etag === undefined ? entityTag(key, body) : String(etag),
    storedAt: now,
  };
}

/** Whether a request already has this response; compared weakly, as for every GET (RFC 9110 §13.1.2). */
export function isKnown(
  etag: string,
  ifNoneMatch: string | readonly string[] | undefined,
): boolean {
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  const known = [ifNoneMatch ?? ''].flat().join(',');
  if (known.trim() === '*') return true;
  return (known.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/** Weak: interceptors and compression further out may change the bytes. */
function entityTag(key: string, body: unknown): string {
  const hash = createHash('sha256')
    .update(key)
    .update(String(JSON.stringify(body)));
  return `W/"${hash.digest('base64url').slice(0, 27)}"`;
}

/**
 * Whether a copy of a body would be sent as the body itself. Instances are not: a serializer further
 * out would miss their class, and with it the fields it hides.
 */
export function isResponseData(value: unknown, depth = 0): boolean {
  if (value === null || typeof value !== 'object')
    return !['function', 'symbol', 'bigint'].includes(typeof value);
  if (value instanceof Date) return true;
  // A cycle ends here, too; nobody answers with more levels than this.
  if (depth > 100 || typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  if (Array.isArray(value)) return value.every((item) => isResponseData(item, depth + 1));
  if (!isPlainObject(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  return Object.values(value).every((item) => isResponseData(item, depth + 1));
}
