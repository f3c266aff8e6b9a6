/** Gives every failure of a message handler the form in which it can cross the wire. */
import { type ArgumentsHost, Catch, Inject, Logger, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import {
  completeEnvelope,
  type ErrorEnvelope,
  internalError,
  isErrorEnvelope,
} from './messaging.errors.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './messaging.options.js';

const WORTH_A_RETRY: ReadonlySet<string> = new Set(['transient', 'throttled', 'overloaded']);

/**
 * Errors that carry `code` and `retryable` (the shop's and the library's) keep them; failures of
 * the infrastructure become `E_UNAVAILABLE`; everything else is `E_INTERNAL` and logged.
 */
@Catch()
export class RpcErrorFilter implements RpcExceptionFilter {
  readonly #logger = new Logger(RpcErrorFilter.name);
  readonly #options: MessagingOptions;

  constructor(@Inject(MESSAGING_OPTIONS) options: MessagingOptions) {
    this.#options = options;
  }

  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    const envelope = this.#envelopeOf(error);
    return throwError(() => envelope);
  }

  #envelopeOf(error: unknown): ErrorEnvelope {
    if (isErrorEnvelope(error)) return completeEnvelope(error);
    const message = error instanceof Error ? error.message : String(error);
    const failure = this.#options.classify?.(error);
    if (failure && WORTH_A_RETRY.has(failure.kind))
      return { code: 'E_UNAVAILABLE', message, retryable: true, executed: failure.executed };
    this.#logger.error(error);
    return internalError();
  }
}
