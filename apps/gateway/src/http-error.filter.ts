/** Turns every failure into an HTTP status and a JSON body with a stable code. */
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isErrorEnvelope } from '@shop/contracts';
import { NetworkErrors } from 'nestjs-distributed';
import { doubtful } from './send-policies.options.js';

/** What a client gets beside the status. */
export interface HttpErrorBody {
  readonly code: string;
  readonly message: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
}

const STATUS: Readonly<Record<string, number>> = {
  E_SHOP_SOLD_OUT: 409,
  E_SHOP_CARD_DECLINED: 402,
  E_SHOP_UNKNOWN_SKU: 422,
  // The change is made but not confirmed everywhere: not the client's fault.
  E_CACHE_INVALIDATION: 503,
};

const UNAVAILABLE: ReadonlySet<string> = new Set([
  'transient',
  'throttled',
  'overloaded',
  'rejected',
]);

/** The status is decided by the error's code, or by what kind of failure it is; unknown ones are logged. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger(HttpErrorFilter.name);
  readonly #http: HttpAdapterHost;

  constructor(http: HttpAdapterHost) {
    this.#http = http;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const { status, body } = this.#answerTo(error);
    const response: unknown = host.switchToHttp().getResponse();
    const { httpAdapter } = this.#http;
    if (httpAdapter.isHeadersSent(response)) return;
    if (status === 503) httpAdapter.setHeader(response, 'retry-after', '1');
    httpAdapter.reply(response, body, status);
  }

  #answerTo(error: unknown): { status: number; body: HttpErrorBody } {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof HttpException) {
      const status = error.getStatus();
      return { status, body: { code: `E_HTTP_${status}`, message, retryable: false } };
    }
    const code = isErrorEnvelope(error) ? error.code : 'E_INTERNAL';
    const status = STATUS[code] ?? (doubtful.has(code) || isUnavailable(error) ? 503 : 500);
    if (status !== 500) return { status, body: { code, message, retryable: status === 503 } };
    this.#logger.error(error);
    return { status, body: { code, message: 'Internal error', retryable: false } };
  }
}

function isUnavailable(error: unknown): boolean {
  return UNAVAILABLE.has(NetworkErrors.classify(error).kind);
}
