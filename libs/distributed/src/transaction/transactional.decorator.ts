/** `@Transactional()`: the method runs in a database transaction. */
import { type MethodAspect, weave } from '../aspects/index.js';
import { validateOptions } from '../distributed.validation.js';
import {
  type AdvisoryLockKeyOption,
  type AdvisoryLockOptions,
  assertConstantKey,
} from './advisory-lock.options.js';
import { type TransactionOptions, transactionOptionsSchema } from './transaction.options.js';

/** `TransactionOptions`, and the place in the chain. */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export interface TransactionalOptions<A extends any[] = any[]> extends Omit<
  TransactionOptions,
  'advisoryLock'
> {
  /** As in `TransactionOptions`; the key may be a function of the method's parameters. */
  readonly advisoryLock?: AdvisoryLockKeyOption<A> | AdvisoryLockOptions<A>;
  /** Place in the chain of aspects of this method. Default `ASPECT_ORDER.transaction`. */
  readonly order?: number;
}

/**
 * Runs the method in a transaction: everything it does through TypeORM (injected repositories,
 * managers, `dataSource.query`, query builders) commits together when it returns, and rolls back when
 * it throws.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`, InvalidKeyError `E_KEY_INVALID`, at decoration
 *
 * @example
 * \@Transactional({ isolation: 'SERIALIZABLE' })
 * async transfer(from: string, to: string, amount: number): Promise<void> { … }
 *
 * \@Transactional({ advisoryLock: (orderId: string) => ['order', orderId] })
 * async pay(orderId: string): Promise<void> { … }
 */
// oxlint-disable-next-line typescript/no-explicit-any -- see MethodAspect
export function Transactional<A extends any[] = any[]>({
  order,
  ...options
}: TransactionalOptions<A> = {}): MethodAspect<A> {
  return weave({
    kind: 'transaction',
    decorator: 'Transactional',
    order,
    options: (path) => {
      const checked = validateOptions(transactionOptionsSchema, options, path);
      assertConstantKey(checked.advisoryLock, path);
      return checked;
    },
  });
}
