/* oxlint-disable typescript/no-extraneous-class -- type-level tests */
/** What must and what must not compile around @LeaderOnly and its service. */
import { LeaderOnly, type Lock, type LockService } from '../../libs/distributed/src/lock/index.js';

export class MustCompile {
  @LeaderOnly('importer')
  async nothing(_a: symbol, _b: number): Promise<void> {}

  @LeaderOnly(['shard', 7], { lease: '30s', maxHold: '1m' })
  async perhaps(): Promise<number | undefined> {
    return 1;
  }

  @LeaderOnly('importer', { ifNotLeader: 'throw' })
  async always(): Promise<number> {
    return 1;
  }

  @LeaderOnly('importer', { ifNotLeader: 'throw', order: 450 })
  protected async generic<T extends object>(value: T, ..._rest: T[]): Promise<T[]> {
    return [value];
  }
}

export class MustNotCompile {
  // @ts-expect-error a skipped call returns undefined
  @LeaderOnly('importer')
  async number(): Promise<number> {
    return 1;
  }

  // @ts-expect-error the same, said in full
  @LeaderOnly('importer', { ifNotLeader: 'skip' })
  async list(): Promise<string[]> {
    return [];
  }

  // @ts-expect-error a synchronous method cannot be protected
  @LeaderOnly('importer', { ifNotLeader: 'throw' })
  synchronous(): number {
    return 1;
  }

  // @ts-expect-error nobody waits for the leadership in a call
  @LeaderOnly('importer', { wait: '5s' })
  async unknownOption(): Promise<void> {}

  // @ts-expect-error the name of an election is a constant
  @LeaderOnly((id: string) => id)
  async dynamicName(_id: string): Promise<void> {}
}

export async function service(locks: LockService): Promise<void> {
  const election = locks.election('importer', { lease: '30s' });
  const skipped: number | undefined = await election.execute(() => 1);
  const value: number = await election.execute(() => 1, { ifNotLeader: 'throw' });
  // @ts-expect-error a skipped call has no result
  const never: number = await election.execute(() => 1);
  const leadership: Lock | undefined = election.leadership;
  for await (const term of election.terms()) term.assertHeld();
  // @ts-expect-error candidates wait for ever; end the waiting with a signal
  await election.campaign({ wait: '5s' });
  void [skipped, value, never, leadership];
}
