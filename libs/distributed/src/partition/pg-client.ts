/** The part of the `pg` driver that is used here; it comes with TypeORM, not as a dependency of ours. */

/** One PostgreSQL connection. */
export interface PgClient {
  readonly connection: { readonly stream: { readonly destroyed: boolean; destroy(): void } };
  connect(): Promise<unknown>;
  end(): Promise<void>;
  query(...args: unknown[]): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
}

/** `pg.Client`. */
export type PgClientClass = new (config: object) => PgClient;

/** A pool of `pg-pool`. */
export interface PgPool {
  readonly options: object;
  end(): Promise<void>;
}

/**
 * A copy of a pool's options for one connection; the pool's own timeout is for waiting in line.
 * Copies descriptors, because the pool hides the password from enumeration.
 */
export function withConnectTimeout(options: object = {}, timeoutMs: number): object {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options));
  return Object.assign(copy, { connectionTimeoutMillis: timeoutMs });
}

/** A server that says one of these is going away or coming up: as good as not answering. */
const SHUTDOWN: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03']);

/** Whether the server said that it is going away or coming up. */
export function isPostgresShutdown(error: unknown): boolean {
  return SHUTDOWN.has(String((error as { code?: unknown } | null | undefined)?.code));
}

/** Whether the error is an answer of a working PostgreSQL server: it carries an SQLSTATE. */
export function isPostgresAnswer(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return (
    typeof code === 'string' && /^[\dA-Z]{5}$/.test(code) && !isErrno(code) && !SHUTDOWN.has(code)
  );
}

/** `EPIPE` has the shape of an SQLSTATE; no SQLSTATE class begins with an E. */
function isErrno(code: string): boolean {
  return code.startsWith('E');
}
