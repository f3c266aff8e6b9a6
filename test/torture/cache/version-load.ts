/** Tasks that do what users do: read much, and sometimes change a row and invalidate what was made of it. */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Database } from './database.js';
import type { Subject } from './subject.js';
import { VersionLog } from './version-log.js';
import type { CacheLoad, LoadEnd, LoadRecord } from './worker-contract.js';

/** Hits in memory never leave the event loop: after so many operations everybody else has a turn. */
const BURST = 40;
/** Half of the operations are about so many keys. */
const HOT_KEYS = 4;
/** Shares of the writes. */
const BY_TAG = 0.1;
const BY_CLEAR = 0.01;
const END_LIMIT_MS = 15_000;

/** Runs a load in this process. */
export class VersionLoad {
  readonly #log = new VersionLog();
  readonly #tasks: Promise<void>[];
  readonly #unexpected: string[] = [];
  #running = 0;
  #stopped = false;

  constructor(
    private readonly subject: Subject,
    private readonly database: Database,
    private readonly random: SeededRandom,
    private readonly load: CacheLoad,
  ) {
    this.#tasks = Array.from({ length: load.tasks }, () => this.#task());
  }

  drain(): LoadRecord {
    return this.#log.drain();
  }

  /** Resolves when all tasks have ended, or when they have had time enough. */
  async stop(): Promise<LoadEnd> {
    this.#stopped = true;
    await Promise.race([Promise.all(this.#tasks), delay(END_LIMIT_MS, undefined, { ref: false })]);
    return { hangs: this.#running, unexpected: this.#unexpected };
  }

  async #task(): Promise<void> {
    this.#running++;
    while (!this.#stopped) {
      for (let count = 0; count < BURST && !this.#stopped; count++) {
        if (this.random.next() < this.load.writes) await this.#write();
        else await this.#read(this.#anyKey());
      }
      await turn();
    }
    this.#running--;
  }

  async #read(key: number): Promise<void> {
    const beganAt = monotonicMs();
    try {
      this.#log.read(key, await this.subject.read(key), beganAt);
    } catch (error) {
      this.#note(error);
    }
  }

  async #write(): Promise<void> {
    const { subject } = this;
    const kind = this.random.next();
    if (kind < BY_CLEAR && subject.clear)
      return this.#change([this.#anyKey()], () => subject.clear?.());
    const key = this.#anyKey();
    if (kind > BY_CLEAR + BY_TAG || !subject.forgetTag)
      return this.#change([key], () => subject.forget(key));
    const { keys, tags } = this.load;
    const tag = key % tags;
    const tagged = Array.from({ length: keys }, (_, n) => n).filter((n) => n % tags === tag);
    return this.#change(tagged, () => subject.forgetTag?.(tag));
  }

  async #change(
    keys: readonly number[],
    invalidate: () => Promise<unknown> | undefined,
  ): Promise<void> {
    const versions = await this.database.change(keys);
    try {
      await invalidate();
    } catch (error) {
      if (!this.subject.isUnconfirmed(error)) this.#note(error);
      return this.#log.unconfirmed();
    }
    const at = monotonicMs();
    for (const [index, key] of keys.entries()) this.#log.acknowledge(key, versions[index] ?? 0, at);
  }

  #anyKey(): number {
    const among = this.random.next() < 0.5 ? HOT_KEYS : this.load.keys;
    return Math.floor(this.random.next() * among);
  }

  #note(error: unknown): void {
    if (this.#unexpected.length < 20)
      this.#unexpected.push(
        error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      );
  }
}
