/** What a caller in another process gets to see of an error. */
import { describe, expect, it, jest } from '@jest/globals';
import { type ArgumentsHost, Logger } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { SoldOutError } from '../shop.errors.js';
import type { MessagingOptions } from './messaging.options.js';
import { RpcErrorFilter } from './rpc-error.filter.js';

const options: MessagingOptions = {
  transportUrl: 'redis://unused',
  replica: 'spec',
  classify: (error) =>
    (error as { code?: string }).code === 'ECONNREFUSED'
      ? { kind: 'transient', executed: 'no' }
      : { kind: 'permanent', executed: 'unknown' },
};

async function seenBehindTheWire(error: unknown, given = options): Promise<unknown> {
  const filtered = new RpcErrorFilter(given).catch(error, {} as ArgumentsHost);
  const envelope = await firstValueFrom(filtered).catch((sent: unknown) => sent);
  return JSON.parse(JSON.stringify(envelope)) as unknown;
}

describe('RpcErrorFilter', () => {
  it("keeps the shop's own codes", async () => {
    expect(await seenBehindTheWire(new SoldOutError('lamp'))).toEqual({
      code: 'E_SHOP_SOLD_OUT',
      message: 'lamp is sold out',
      retryable: false,
      executed: 'yes',
    });
  });

  it('adds `executed` where an error does not say it', async () => {
    const error = Object.assign(new Error('busy'), {
      code: 'E_LOCK_WAIT_TIMEOUT',
      retryable: true,
    });
    expect(await seenBehindTheWire(error)).toMatchObject({ retryable: true, executed: 'unknown' });
  });

  it('recognises failures of the infrastructure', async () => {
    const error = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(await seenBehindTheWire(error)).toEqual({
      code: 'E_UNAVAILABLE',
      message: 'connect',
      retryable: true,
      executed: 'no',
    });
  });

  it('tells nothing about errors nobody foresaw, and logs them', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const secret = new Error('password=1234');
    const hidden = { code: 'E_INTERNAL', message: 'Internal error', retryable: false };
    expect(await seenBehindTheWire(secret)).toMatchObject(hidden);
    const { classify: _, ...unclassified } = options;
    expect(await seenBehindTheWire(secret, unclassified)).toMatchObject(hidden);
    expect(logged).toHaveBeenCalledWith(secret);
    logged.mockRestore();
  });
});
