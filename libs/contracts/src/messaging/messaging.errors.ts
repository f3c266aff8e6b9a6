/** Errors of requests between services, and their form on the wire. */
import type { Executed } from './messaging.options.js';

/** An error as it travels: no stack, no cause, but everything a caller decides by. */
export interface ErrorEnvelope {
  /** Stable code: `E_<CAPABILITY>_<WHAT>`. */
  readonly code: string;
  readonly message: string;
  /** Whether repeating the request may succeed. */
  readonly retryable: boolean;
  /** Whether the work was done. */
  readonly executed: Executed;
}

/** A request failed; `code`, `retryable` and `executed` say how. */
export class RemoteError extends Error implements ErrorEnvelope {
  readonly code: string;
  readonly retryable: boolean;
  readonly executed: Executed;

  constructor(envelope: ErrorEnvelope, options?: ErrorOptions) {
    super(envelope.message, options);
    this.name = 'RemoteError';
    this.code = envelope.code;
    this.retryable = envelope.retryable;
    this.executed = envelope.executed;
  }

  /** Reads whatever came over the wire; stock peers send strings or `{ status, message }`. */
  static from(received: unknown): RemoteError {
    if (received instanceof RemoteError) return received;
    if (isErrorEnvelope(received)) return new RemoteError(completeEnvelope(received));
    const text = (received as { message?: unknown } | null)?.message ?? received;
    return new RemoteError(internalError(String(text)));
  }
}

/** What errors of the shop and of the library have in common; the library's need not say `executed`. */
export type CodedError = Omit<ErrorEnvelope, 'executed'> & { readonly executed?: Executed };

/** The wire form of a coded error, and nothing else of it. */
export function completeEnvelope(error: CodedError): ErrorEnvelope {
  const { code, message, retryable } = error;
  return { code, message, retryable, executed: error.executed ?? (retryable ? 'unknown' : 'yes') };
}

/** True for the wire form of an error, and for errors that can take it. */
export function isErrorEnvelope(value: unknown): value is CodedError {
  const { code, message, retryable } = (value ?? {}) as Partial<ErrorEnvelope>;
  return (
    typeof code === 'string' &&
    code.startsWith('E_') &&
    typeof message === 'string' &&
    typeof retryable === 'boolean'
  );
}

/** `E_INTERNAL`: a failure nobody foresaw; never worth a retry. */
export function internalError(message = 'Internal error'): ErrorEnvelope {
  return { code: 'E_INTERNAL', message, retryable: false, executed: 'unknown' };
}

/** `E_TRANSPORT_UNAVAILABLE`: the request did not get through, or nobody listens. */
export function transportUnavailable(
  message: string,
  executed: Executed,
  cause?: unknown,
): RemoteError {
  return new RemoteError(
    { code: 'E_TRANSPORT_UNAVAILABLE', message, retryable: true, executed },
    { cause },
  );
}

/** `E_TRANSPORT_DEADLINE`: no answer in time. */
export function sendDeadlineExceeded(pattern: string, deadlineMs: number): RemoteError {
  return new RemoteError({
    code: 'E_TRANSPORT_DEADLINE',
    message: `${pattern} did not answer within ${deadlineMs} ms`,
    retryable: true,
    executed: 'unknown',
  });
}
