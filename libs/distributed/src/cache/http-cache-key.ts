/**
 * What identifies a cached response: route, address, principal, and the request headers it varies
 * by. The text is hashed, so neither tokens nor addresses get into the names of keys.
 */
import { createHash } from 'node:crypto';
import { argumentsKey } from './cache-key.js';
import type { HttpCacheSettings } from './http-cache.options.js';
import type { HttpRequest } from './http-exchange.js';

/** Request headers that say who asks. */
const CREDENTIALS = [
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-access-token',
  'x-api-key',
  'x-auth-token',
];

/** Whether a request says who asks. */
function hasCredentials({ headers, user }: HttpRequest): boolean {
  return (user ?? undefined) !== undefined || CREDENTIALS.some((name) => headers[name]);
}

/** Whose response it is; `refused` when that is not known, so that it must not be cached. */
export type Audience = { readonly principal: unknown } | 'refused';

/** Decides between a shared response, one of a principal, and none. */
export function audienceOf({ principal }: HttpCacheSettings, request: HttpRequest): Audience {
  if (principal === 'public') return { principal: undefined };
  const known = principal?.(request);
  const unknown = known === undefined || known === null || known === '' || Number.isNaN(known);
  if (!unknown) return { principal: [known] };
  return hasCredentials(request) ? 'refused' : { principal: undefined };
}

/** The key of a response, 43 characters. `varyBy`: names of request headers, in lower case. */
export function httpCacheKey(
  route: string,
  request: HttpRequest,
  principal: unknown,
  varyBy: readonly string[],
): string {
  const { headers, hostname, protocol } = request;
  const vary = [...new Set(varyBy)].sort().map((name) => [name, headers[name]]);
  const address = [protocol, hostname, headers['host'], canonicalTarget(request)];
  const text = argumentsKey([route, address, principal, vary], route);
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * Path and query with the parameters in one order. Parameters of one name keep theirs, in every
 * spelling (`a`, `%61`, `a[b]`, `a.b`), because it may mean something. Nothing is decoded: what
 * looks different stays different.
 */
export function canonicalTarget({ originalUrl, url }: HttpRequest): string {
  const target = originalUrl ?? url;
  const mark = target.indexOf('?');
  if (mark < 0) return target;
  const parameters = target
    .slice(mark + 1)
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => ({ parameter, root: rootOf(parameter) }))
    .sort((a, b) => (a.root < b.root ? -1 : Number(a.root > b.root)));
  return `${target.slice(0, mark)}?${parameters.map(({ parameter }) => parameter).join('&')}`;
}

/** The name of a parameter as a parser may see it, up to its first `[` or `.`. */
function rootOf(parameter: string): string {
  const [name = ''] = parameter.split('=', 1);
  let decoded = name.replaceAll('+', ' ');
  try {
    decoded = decodeURIComponent(decoded);
  } catch {
    // Parsers leave such a name as it is.
  }
  return decoded.split(/[[.]/, 1)[0] ?? '';
}
