/* oxlint-disable typescript/no-extraneous-class -- type-level tests */
/** What must and what must not compile around @DistributedLock and its service. */
import { DistributedLock, type LockService } from '../../libs/distributed/src/lock/index.js';

interface Pay {
  sku: string;
  amount: number;
}

export class MustCompile {
  @DistributedLock('constant')
  async anything(_a: symbol, _b: number): Promise<void> {}

  @DistributedLock(['report', 2026])
  async parts(): Promise<void> {}

  @DistributedLock('generic', { ifLocked: 'skip', lease: '1m' })
  async generic<T extends object>(value: T, ..._rest: T[]): Promise<T[]> {
    return [value];
  }

  @DistributedLock({ key: (id: string) => ['order', id], wait: '2s' })
  async prefixOfTheParameters(_id: string, _dto: Pay): Promise<void> {}

  @DistributedLock({ key: (_customer: string, dto: Pay) => ['sku', dto.sku] })
  async secondParameter(_customer: string, _dto: Pay): Promise<number> {
    return 1;
  }

  @DistributedLock({
    key: (from: string, to: string) => [
      ['account', from],
      ['account', to],
    ],
  })
  async severalKeys(_from: string, _to: string): Promise<void> {}

  @DistributedLock([['a'], ['b', 2]])
  async severalConstants(): Promise<void> {}

  @DistributedLock({ key: 'constant', order: 350 })
  protected async protectedMethod(): Promise<void> {}
}

export class MustNotCompile {
  // @ts-expect-error the parameter is a number
  @DistributedLock({ key: (id: string) => id })
  async wrongParameter(_id: number): Promise<void> {}

  // @ts-expect-error a synchronous method cannot be locked
  @DistributedLock('constant')
  synchronous(): number {
    return 1;
  }

  // @ts-expect-error keys and parts do not mix
  @DistributedLock({ key: (id: string) => [['account', id], 'stock'] })
  async mixedKeys(_id: string): Promise<void> {}

  // @ts-expect-error an object identifies nothing
  @DistributedLock({ key: (dto: Pay) => dto })
  async objectKey(_dto: Pay): Promise<void> {}

  // @ts-expect-error no such option
  @DistributedLock('constant', { fair: true })
  async unknownOption(): Promise<void> {}
}

export async function service(locks: LockService): Promise<void> {
  const value: number = await locks.execute('k', () => 1);
  const skipped: number | undefined = await locks.execute('k', () => 1, { ifLocked: 'skip' });
  // @ts-expect-error a skipped call has no result
  const never: number = await locks.execute('k', () => 1, { ifLocked: 'skip' });
  // @ts-expect-error a handle has no body whose result could be replaced
  await locks.acquire('k', { onLost: 'throw' });
  void [value, skipped, never];
}
