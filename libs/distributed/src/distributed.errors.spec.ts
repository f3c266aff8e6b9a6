import { describe, expect, it } from '@jest/globals';
import { DistributedError, isDistributedError } from './distributed.errors.js';

describe('DistributedError', () => {
  class LockError extends DistributedError {}
  const error = new LockError('E_LOCK_LOST', 'lost', { retryable: true, cause: new Error('why') });

  it('carries code, retryable, cause and the name of its class', () => {
    expect(error).toMatchObject({
      code: 'E_LOCK_LOST',
      retryable: true,
      name: 'LockError',
      message: 'lost',
    });
    expect((error.cause as Error).message).toBe('why');
  });

  it('is recognised by brand, also when it comes from another installed copy', () => {
    const copy = Object.assign(new Error('lost'), {
      code: 'E_LOCK_LOST',
      [Symbol.for('nestjs-distributed:error')]: true,
    });
    expect(isDistributedError(error)).toBe(true);
    expect(isDistributedError(copy, 'E_LOCK_LOST')).toBe(true);
    expect(isDistributedError(copy, 'E_LOCK_WAIT_TIMEOUT')).toBe(false);
  });

  it('is recognised after a network hop, as plain JSON', () => {
    expect(isDistributedError(JSON.parse(JSON.stringify(error)), 'E_LOCK_LOST')).toBe(true);
  });

  it.each([
    new Error('x'),
    { code: 'ECONNRESET' },
    { code: 'E_X' },
    null,
    undefined,
    'E_LOCK_LOST',
  ])('is not fooled by %p', (value) => {
    expect(isDistributedError(value)).toBe(false);
  });
});
