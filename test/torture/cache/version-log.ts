/** What a process read and acknowledged, as little of it as a judge needs. */
import type { LoadRecord } from './worker-contract.js';

/** Of many reads that returned one version, only the last can break a rule: it alone is kept. */
export class VersionLog {
  readonly #acknowledged: number[] = [];
  readonly #reads: number[] = [];
  readonly #versions: number[] = [];
  readonly #lastAt: number[] = [];
  #operations = 0;
  #unconfirmed = 0;

  /** @param at when the read began */
  read(key: number, version: number, at: number): void {
    this.#operations++;
    if (this.#versions[key] !== version) {
      this.#keep(key);
      this.#versions[key] = version;
      this.#lastAt[key] = at;
    } else if (at > (this.#lastAt[key] ?? 0)) this.#lastAt[key] = at;
  }

  /** @param at when the invalidation was acknowledged */
  acknowledge(key: number, version: number, at: number): void {
    this.#operations++;
    this.#acknowledged.push(key, version, at);
  }

  unconfirmed(): void {
    this.#unconfirmed++;
  }

  /** Everything since the last time. */
  drain(): LoadRecord {
    for (const key of this.#versions.keys()) this.#keep(key);
    const record = {
      operations: this.#operations,
      unconfirmed: this.#unconfirmed,
      acknowledged: this.#acknowledged.splice(0),
      reads: this.#reads.splice(0),
    };
    this.#versions.length = 0;
    this.#operations = 0;
    this.#unconfirmed = 0;
    return record;
  }

  #keep(key: number): void {
    const version = this.#versions[key];
    const at = this.#lastAt[key];
    if (version !== undefined && at !== undefined) this.#reads.push(key, version, at);
  }
}
