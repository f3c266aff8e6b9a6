/* oxlint-disable typescript/no-extraneous-class -- type-level tests */
/** What must and what must not compile around @Transactional and its service. */
import {
  Propagation,
  Transactional,
  type TransactionService,
} from '../../libs/distributed/src/transaction/index.js';

interface Pay {
  sku: string;
  amount: number;
}

export class MustCompile {
  @Transactional()
  async bare(_a: symbol): Promise<void> {}

  @Transactional({ propagation: Propagation.NESTED, advisoryLock: 'constant' })
  async constantKey(_a: symbol, _b: number): Promise<void> {}

  @Transactional({ advisoryLock: ['report', 2026] })
  async parts(): Promise<void> {}

  @Transactional({ advisoryLock: (id: string) => ['order', id] })
  async keyFunction(_id: string, _dto: Pay): Promise<void> {}

  @Transactional({
    advisoryLock: {
      key: (_customer: string, dto: Pay) => ['sku', dto.sku],
      mode: 'shared',
      wait: 0,
    },
  })
  async secondParameter(_customer: string, _dto: Pay): Promise<number> {
    return 1;
  }

  @Transactional({
    advisoryLock: (from: number, to: number) => [
      ['account', from],
      ['account', to],
    ],
  })
  async severalKeys(_from: number, _to: number): Promise<void> {}

  @Transactional({ advisoryLock: { key: [['a'], ['b', 1]], ifLocked: 'skip' }, order: 650 })
  protected async severalConstants(): Promise<void> {}
}

export class MustNotCompile {
  // @ts-expect-error the parameter is a number
  @Transactional({ advisoryLock: (id: string) => id })
  async wrongParameter(_id: number): Promise<void> {}

  // @ts-expect-error the parameter is a number
  @Transactional({ advisoryLock: { key: (id: string) => id } })
  async wrongParameterInside(_id: number): Promise<void> {}

  // @ts-expect-error the method has no second parameter
  @Transactional({ advisoryLock: (id: string, page: number) => [id, page] })
  async keyNeedsMoreParameters(_id: string): Promise<void> {}

  // @ts-expect-error an object identifies nothing
  @Transactional({ advisoryLock: (dto: Pay) => dto })
  async objectKey(_dto: Pay): Promise<void> {}

  // @ts-expect-error no such option
  @Transactional({ advisoryLock: { key: 'a', lease: '10s' } })
  async unknownOption(): Promise<void> {}

  // @ts-expect-error a lock of what?
  @Transactional({ advisoryLock: { mode: 'shared' } })
  async noKey(): Promise<void> {}

  // @ts-expect-error a synchronous method cannot be transactional
  @Transactional({ advisoryLock: 'constant' })
  synchronous(): number {
    return 1;
  }
}

export async function service(transactions: TransactionService): Promise<void> {
  const value: number = await transactions.run(async () => 1, { advisoryLock: 'a' });
  const skipped: number | undefined = await transactions.run(async () => 1, {
    advisoryLock: { key: 'a', ifLocked: 'skip' },
  });
  // @ts-expect-error a skipped call has no result
  const never: number = await transactions.run(async () => 1, {
    advisoryLock: { key: 'a', ifLocked: 'skip' },
  });
  // @ts-expect-error there are no parameters to make a key from
  await transactions.run(async () => 1, { advisoryLock: (id: string) => id });
  const taken: boolean = await transactions.advisoryLock(['a', 1], { mode: 'shared', wait: '1s' });
  // @ts-expect-error a key is an argument here
  await transactions.advisoryLock('a', { key: 'b' });
  void [value, skipped, never, taken];
}
