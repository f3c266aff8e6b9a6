/** The truth: a version per key, in a server that suffers no fault. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { SeededRandom } from '../seeded-random.js';

/** A row is not read and sent in one instant: longest time between the two, ms. */
const TRANSIT_MS = 6;

/** What `INCR` answers is the version that is committed. */
export class Database {
  readonly #client: Redis;

  constructor(
    url: string,
    private readonly random: SeededRandom,
  ) {
    this.#client = new Redis(url);
  }

  /** The version of a key some time ago: what a load sees. */
  async load(key: number): Promise<number> {
    const version = Number(await this.#client.get(row(key)));
    const transit = this.random.between(-TRANSIT_MS, TRANSIT_MS);
    if (transit > 0) await delay(transit);
    return version;
  }

  /** Commits one new version of each key. */
  async change(keys: readonly number[]): Promise<number[]> {
    const changed = await Promise.all(keys.map((key) => this.#client.incr(row(key))));
    return changed;
  }

  /** The versions of the first keys. */
  async versions(keys: number): Promise<number[]> {
    const rows = await this.#client.mget(Array.from({ length: keys }, (_, key) => row(key)));
    return rows.map(Number);
  }

  async clear(): Promise<void> {
    await this.#client.flushall();
  }

  close(): void {
    this.#client.disconnect();
  }
}

function row(key: number): string {
  return `row:${key}`;
}
