/**
 * A request and its response as Express and Fastify both have them: only what the two share, so that
 * neither package is needed.
 */

/** What is read of a request. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  /** Express: `url` is changed by mounted routers, this is not. Fastify has it, too. */
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** With `trust proxy` the host and the scheme that the client used. */
  readonly hostname?: string;
  readonly protocol?: string;
  /** Set by guards that authenticate. */
  readonly user?: unknown;
}

/** The value of a response header. */
export type HeaderValue = string | number | readonly string[];

/** What is read and written of a response. */
export interface HttpResponse {
  readonly statusCode: number;
  /** Express; sent by the handler itself. */
  readonly headersSent?: boolean;
  /** Fastify; the same. */
  readonly sent?: boolean;
  getHeaders(): Readonly<Record<string, HeaderValue | undefined>>;
  header(name: string, value: HeaderValue): unknown;
  status(code: number): unknown;
}

/** The response headers of this moment, by names in lower case. */
export function headersOf(response: HttpResponse): Record<string, HeaderValue> {
  const headers: Record<string, HeaderValue> = {};
  for (const [name, value] of Object.entries(response.getHeaders()))
    if (value !== undefined) headers[name.toLowerCase()] = value;
  return headers;
}

/** A header that is a list: its elements in lower case, without white space around them. */
export function listOf(value: HeaderValue | undefined): string[] {
  return [value ?? '']
    .flat()
    .flatMap((text) => String(text).split(','))
    .map((element) => element.trim().toLowerCase())
    .filter((element) => element !== '');
}
