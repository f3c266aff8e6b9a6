/** Applications that take part in elections, on locks in memory and a clock the spec moves. */
import {
  type LeaderElection,
  LockBackendError,
  type LockModuleOptions,
  LockService,
  LockStore,
} from '../../libs/distributed/src/lock/index.js';
import {
  FakeClock,
  MemoryLockStore,
  SequenceRandom,
} from '../../libs/distributed/src/testing/index.js';

/** The way of one application to the locks: it can be cut, and counts who passes. */
export class StoreLine extends LockStore {
  cut = false;
  commands = 0;

  constructor(private readonly locks: MemoryLockStore) {
    super();
  }

  async acquire(...[command]: Parameters<LockStore['acquire']>) {
    return await this.#pass(() => this.locks.acquire(command));
  }

  async renew(...[commands]: Parameters<LockStore['renew']>) {
    return await Promise.allSettled(
      commands.map((command) =>
        this.#pass(async () => {
          const [renewal] = await this.locks.renew([command]);
          return renewal?.status === 'fulfilled' && renewal.value;
        }),
      ),
    );
  }

  async release(...[claim, options]: Parameters<LockStore['release']>) {
    return await this.#pass(() => this.locks.release(claim, options));
  }

  async revoke(...[claim]: Parameters<LockStore['revoke']>) {
    return await this.#pass(() => this.locks.revoke(claim));
  }

  async query(key: string) {
    return await this.#pass(() => this.locks.query(key));
  }

  async watch(...args: Parameters<LockStore['watch']>) {
    await this.locks.watch(...args);
  }

  async unwatch() {
    await this.locks.unwatch();
  }

  async #pass<T>(command: () => Promise<T>): Promise<T> {
    this.commands++;
    if (this.cut) throw new LockBackendError('the line is cut', { executed: 'no' });
    return await command();
  }
}

/** One application. */
export interface Candidate {
  readonly locks: LockService;
  readonly line: StoreLine;
  readonly election: LeaderElection;
}

/** `count` applications of the election `importer`, none of which takes part yet. */
export function electorate(
  count: number,
  options: LockModuleOptions = {},
): { clock: FakeClock; candidates: [Candidate, ...Candidate[]] } {
  const clock = new FakeClock();
  const locks = new MemoryLockStore(clock);
  const candidates = Array.from({ length: count }, (_, index) => {
    const line = new StoreLine(locks.peer());
    const service = new LockService(line, clock, new Numbered(index), options);
    return { line, locks: service, election: service.election('importer') };
  });
  return { clock, candidates: candidates as [Candidate, ...Candidate[]] };
}

/** Tokens that differ between applications. */
class Numbered extends SequenceRandom {
  constructor(private readonly number: number) {
    super();
  }

  override token(): string {
    return `app-${this.number}-${super.token()}`;
  }
}
