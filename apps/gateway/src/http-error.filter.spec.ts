/** Which status a client gets for which failure. */
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ArgumentsHost, BadRequestException, Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { CardDeclinedError, RemoteError, SoldOutError, UnknownSkuError } from '@shop/contracts';
import { HttpErrorFilter } from './http-error.filter.js';

const reply = jest.fn();
const setHeader = jest.fn();
const httpAdapter = { reply, setHeader, isHeadersSent: () => false };
const filter = new HttpErrorFilter({ httpAdapter } as unknown as HttpAdapterHost);
const host = { switchToHttp: () => ({ getResponse: () => 'response' }) } as ArgumentsHost;

function remote(code: string, retryable: boolean): RemoteError {
  return new RemoteError({ code, message: 'text', retryable, executed: 'unknown' });
}

beforeEach(() => {
  reply.mockClear();
  setHeader.mockClear();
});

describe('HttpErrorFilter', () => {
  it.each([
    [new SoldOutError('lamp'), 409, 'E_SHOP_SOLD_OUT', false],
    [new CardDeclinedError(1), 402, 'E_SHOP_CARD_DECLINED', false],
    [new UnknownSkuError('x'), 422, 'E_SHOP_UNKNOWN_SKU', false],
    [remote('E_LOCK_WAIT_TIMEOUT', true), 503, 'E_LOCK_WAIT_TIMEOUT', true],
    [remote('E_CACHE_INVALIDATION', false), 503, 'E_CACHE_INVALIDATION', true],
    [remote('E_TRANSACTION_OUTCOME_UNKNOWN', false), 503, 'E_TRANSACTION_OUTCOME_UNKNOWN', true],
    [remote('E_RESILIENCE_CIRCUIT_OPEN', true), 503, 'E_RESILIENCE_CIRCUIT_OPEN', true],
    [new BadRequestException('no'), 400, 'E_HTTP_400', false],
  ])('%s', (error, status, code, retryable) => {
    filter.catch(error, host);
    expect(reply).toHaveBeenCalledWith(
      'response',
      expect.objectContaining({ code, retryable }),
      status,
    );
    expect(setHeader.mock.calls).toHaveLength(status === 503 ? 1 : 0);
  });

  it('tells nothing about errors nobody foresaw, and logs them', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const secret = new Error('password=1234');
    filter.catch(secret, host);
    const body = { code: 'E_INTERNAL', message: 'Internal error', retryable: false };
    expect(reply).toHaveBeenCalledWith('response', body, 500);
    expect(logged).toHaveBeenCalledWith(secret);
    logged.mockRestore();
  });
});
