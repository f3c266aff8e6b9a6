/** Errors as another process gets them. */
import { HttpException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DistributedError, isDistributedError } from '../distributed.errors.js';
import { decodeError, encodeError, UnsharedError } from './stored-error.js';

const elsewhere = (error: unknown): Error => {
  const form = encodeError(error, 'spec');
  if (!form) throw new TypeError('has no stored form');
  return decodeError(form);
};

describe('stored errors', () => {
  it('keep name, message and plain fields', () => {
    class QueryError extends Error {
      override name = 'QueryError';
      readonly code = '23505';
    }
    const error = elsewhere(new QueryError('duplicate key'));
    expect(error).toMatchObject({ name: 'QueryError', message: 'duplicate key', code: '23505' });
    expect(error).toBeInstanceOf(Error);
  });

  it('keep the class of the errors everybody knows', () => {
    expect(elsewhere(new RangeError('far'))).toBeInstanceOf(RangeError);
    const missing = elsewhere(new NotFoundException({ id: 7 }));
    expect(missing).toBeInstanceOf(NotFoundException);
    expect((missing as HttpException).getStatus()).toBe(404);
    expect((missing as HttpException).getResponse()).toEqual({ id: 7 });
  });

  it('of this library are recognised', () => {
    const error = elsewhere(
      new DistributedError('E_LOCK_WAIT_TIMEOUT', 'late', { retryable: true }),
    );
    expect(isDistributedError(error, 'E_LOCK_WAIT_TIMEOUT')).toBe(true);
    expect(error).toMatchObject({ name: 'DistributedError', retryable: true });
  });

  it('that say something of one call alone stay in their process', () => {
    class NotForOthers extends UnsharedError {}
    expect(encodeError(new NotForOthers(), 'spec')).toBeUndefined();
  });

  it('have no stored form when they are no errors, or hold more than plain data', () => {
    expect(encodeError('a string', 'spec')).toBeUndefined();
    const bound = Object.assign(new Error('x'), { retry: () => 1 });
    expect(encodeError(bound, 'spec')).toBeUndefined();
  });
});
