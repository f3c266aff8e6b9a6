/** `@Transactional()`: the method runs in a database transaction. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import { type TransactionOptions, transactionOptionsSchema } from './transaction.options.js';

/** `TransactionOptions`, and the place in the chain. */
export interface TransactionalOptions extends TransactionOptions {
  /** Place in the chain of aspects of this method. Default `ASPECT_ORDER.transaction`. */
  readonly order?: number;
}

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
export function Transactional({ order, ...options }: TransactionalOptions = {}): MethodAspect {
  return weave({
    kind: 'transaction',
    decorator: 'Transactional',
    order,
    options: (path) => validateOptions(transactionOptionsSchema, options, path),
  });
}
