/** Options are checked where they are written; a combination in which one would do nothing is refused. */
import { describe, expect, it } from '@jest/globals';
import { validateOptions } from '../distributed.validation.js';
import { Propagation, Transactional } from './index.js';
import { rollsBack } from './rollback-rules.js';
import { moduleOptionsSchema, transactionOptionsSchema } from './transaction.options.js';

describe('transaction options', () => {
  const check = (options: unknown) => validateOptions(transactionOptionsSchema, options, 'options');

  it('fills in the defaults', () => {
    expect(check({})).toEqual({
      propagation: Propagation.REQUIRED,
      readOnly: false,
      noRollbackFor: [],
      rollbackFor: [],
    });
    expect(validateOptions(moduleOptionsSchema, {}, 'transaction')).toEqual({
      dataSources: {},
      fenced: false,
      timeout: 30_000,
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown option', { retry: 3 }, /unknown option/],
    ['an unknown propagation', { propagation: 'SOMETIMES' }, /options\.propagation/],
    ['an unknown isolation', { isolation: 'SNAPSHOT' }, /options\.isolation/],
    ['no time at all', { timeout: 0 }, /at least 1 ms/],
    ['something that is no DataSource', { dataSource: {} }, /options\.dataSource/],
    ['rollbackFor alone', { rollbackFor: [Error] }, /noRollbackFor/],
    [
      'a timeout of a call that never opens',
      { propagation: 'SUPPORTS', timeout: '1s' },
      /never opens/,
    ],
    [
      'isolation outside of transactions',
      { propagation: 'NEVER', isolation: 'SERIALIZABLE' },
      /mean nothing/,
    ],
  ])('refuses %s', (_what, options, message) => {
    expect(() => check(options)).toThrow(message);
  });

  it('names decorator and method', () => {
    class Orders {
      async pay(): Promise<void> {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'pay')!;
    expect(() => Transactional({ timeout: 0 })(Orders.prototype, 'pay', descriptor)).toThrow(
      /@Transactional\(\) on Orders\.pay\(\)\.timeout/,
    );
  });

  it('matches errors by class and by function', () => {
    class Mine extends TypeError {}
    const rules = {
      noRollbackFor: [TypeError, (error: unknown) => error === 'text'],
      rollbackFor: [],
    };
    expect(rollsBack(new Mine(), rules)).toBe(false);
    expect(rollsBack('text', rules)).toBe(false);
    expect(rollsBack(new Error('other'), rules)).toBe(true);
    expect(rollsBack(new Error('any'), { noRollbackFor: [Error], rollbackFor: [] })).toBe(false);
  });
});
