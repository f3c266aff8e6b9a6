/** `@Transactional()`: the method runs in a database transaction. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import { type TransactionOptions, transactionOptionsSchema } from './transaction.options.js';

/**
 * Runs the method in a transaction: everything it does through TypeORM (injected repositories,
 * managers, `dataSource.query`, query builders) commits together when it returns, and rolls back when
 * it throws.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` at decoration
 *
 * @example
 * \@Transactional({ isolation: 'SERIALIZABLE' })
 * async transfer(from: string, to: string, amount: number): Promise<void> { … }
 */
export function Transactional(options: TransactionOptions = {}): MethodAspect {
  return weave({
    kind: 'transaction',
    decorator: 'Transactional',
    options: (path) => validateOptions(transactionOptionsSchema, options, path),
  });
}
