/**
 * The base of every error this library throws. `instanceof` does not survive a network hop or a
 * duplicated install, so errors carry a string code and a brand; `isDistributedError` reads those.
 */

/** How an error describes itself beyond its message. */
export interface DistributedErrorOptions extends ErrorOptions {
  /** Whether the same call may succeed if repeated unchanged. Default `false`. */
  readonly retryable?: boolean;
  /** Structured facts for logs (names and numbers, never keys or values of the user's data). */
  readonly details?: Readonly<Record<string, unknown>>;
}

const BRAND = Symbol.for('nestjs-distributed:error');

/** Base class of all errors thrown by the library. */
export class DistributedError extends Error {
  /** Stable, documented code: `E_<CAPABILITY>_<WHAT>`. */
  readonly code: string;
  /** Whether repeating the same call unchanged may succeed. */
  readonly retryable: boolean;
  /** Structured facts; names, never keys. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: DistributedErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The shape sent over a wire: no stack, no cause. */
  toJSON(): { name: string; code: string; message: string; retryable: boolean } {
    return { name: this.name, code: this.code, message: this.message, retryable: this.retryable };
  }
}

/**
 * True for errors of this library, also across duplicated installs and, for their JSON form,
 * across services.
 * @param code narrow to one error code, e.g. `E_LOCK_WAIT_TIMEOUT`
 */
export function isDistributedError(error: unknown, code?: string): error is DistributedError {
  if (typeof error !== 'object' || error === null) return false;
  const candidate = error as { code?: unknown; retryable?: unknown; [BRAND]?: unknown };
  const branded = candidate[BRAND] === true;
  const remote =
    typeof candidate.code === 'string' &&
    /^E_[A-Z_]+$/.test(candidate.code) &&
    typeof candidate.retryable === 'boolean';
  return (branded || remote) && (code === undefined || candidate.code === code);
}

/** `E_OPTIONS_INVALID`: options that cannot work, found at boot or at decoration. */
export class InvalidOptionsError extends DistributedError {
  constructor(path: string, problem: string) {
    super('E_OPTIONS_INVALID', `${path}: ${problem}`, { details: { path } });
  }
}
