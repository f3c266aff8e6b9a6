/** The elections an application takes part in: one each, whoever in it names them. */
import { encodeKey, type KeyInput } from '../aspects/index.js';
import { InvalidOptionsError } from '../distributed.errors.js';
import { validateOptions } from '../distributed.validation.js';
import { type ElectionOptions, electionSchemas } from './election.options.js';
import { type ElectionGround, LeaderElection } from './leader-election.js';
import { requestOf } from './lock-request.js';
import { type ParsedLockModuleOptions, settingsOf } from './lock.options.js';

/** Serves `LockService.election`. */
export class Elections {
  readonly #elections = new Map<string, LeaderElection>();

  constructor(
    private readonly ground: ElectionGround,
    private readonly defaults: ParsedLockModuleOptions['defaults'],
  ) {}

  /** See `LockService.election`. */
  of(name: KeyInput, options?: ElectionOptions): LeaderElection {
    const label = encodeKey(name, 'election');
    const path = `options of the election '${label}'`;
    const own = validateOptions(electionSchemas.election, options ?? {}, path);
    const existing = this.#elections.get(label);
    const settings = settingsOf({ ...own, name: label }, this.defaults);
    if (existing && options && existing.leaseMs !== settings.leaseMs) {
      throw new InvalidOptionsError(
        `${path}.lease`,
        `is ${settings.leaseMs} ms here and ${existing.leaseMs} ms elsewhere in this application; ` +
          'all that share a leadership must say the same',
      );
    }
    return existing ?? this.#add(label, settings);
  }

  /** Resigns everywhere, for good. */
  async close(): Promise<void> {
    await Promise.all([...this.#elections.values()].map((election) => election.close()));
  }

  #add(label: string, settings: ReturnType<typeof settingsOf>): LeaderElection {
    const { keepsOrder } = this.ground.desk.backend.store;
    // A name of its own: a lock of the same name would be held for as long as somebody leads.
    const request = requestOf(`election:${label}`, {
      ...settings,
      waitMs: Number.POSITIVE_INFINITY,
      renew: true,
      // One candidate per application: no tokens are reserved for others, so `query()` shows the term.
      fairness: keepsOrder ? 'strict' : 'process',
      onLost: 'abort',
    });
    const election = new LeaderElection(this.ground, request);
    this.#elections.set(label, election);
    return election;
  }
}
