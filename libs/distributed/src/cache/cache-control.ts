/** `Cache-Control` of requests and responses, as far as a cache in the application obeys it (RFC 9111). */
import { type HeaderValue, type HttpRequest, listOf } from './http-exchange.js';

/** Seconds of a directive such as `max-age=30`; 0 for one that cannot be read (RFC 9111 §4.2.1). */
function secondsOf(directives: readonly string[], name: string): number | undefined {
  const directive = directives.find((element) => element.startsWith(`${name}=`));
  if (directive === undefined) return undefined;
  const match = /^"?(\d+)"?$/.exec(directive.slice(name.length + 1));
  return match ? Number(match[1]) : 0;
}

/** Whether a client wants an answer that no cache has. */
export function refusesCache({ headers }: HttpRequest): boolean {
  const directives = listOf(headers['cache-control']);
  if (directives.length === 0) return listOf(headers['pragma']).includes('no-cache');
  return (
    directives.includes('no-store') ||
    directives.includes('no-cache') ||
    secondsOf(directives, 'max-age') === 0
  );
}

/** The oldest answer a client accepts, in milliseconds. */
export function acceptedAgeMs({ headers }: HttpRequest): number {
  const seconds = secondsOf(listOf(headers['cache-control']), 'max-age');
  return seconds === undefined ? Infinity : seconds * 1000;
}

/** For how many milliseconds a response may be stored: 0 forbids it, Infinity says nothing. */
export function storableMs(cacheControl: HeaderValue | undefined): number {
  const directives = listOf(cacheControl);
  // With fields (`no-cache="set-cookie"`) it means less; to take it for the whole is safe.
  if (directives.some((element) => /^(?:no-store|no-cache|private)(?:=|$)/.test(element))) return 0;
  const seconds = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age');
  return seconds === undefined ? Infinity : seconds * 1000;
}
