/** Both resources as one: a key's first letter says where its counters are. */
import type { Guard } from '../torture.js';
import { RedisResource } from './redis-resource.js';
import { type JournalEntry, type Reading, Resource, type Visit, type Writing } from './resource.js';
import { SqlResource } from './sql-resource.js';

/** Where the resources are. */
export interface ResourceAddresses {
  readonly sql: string;
  readonly redis: string;
}

/** Keys that begin with `sql` are in PostgreSQL, all others in Redis. */
export class ProtectedResources extends Resource {
  readonly #sql: SqlResource;
  readonly #redis: RedisResource;

  constructor({ sql, redis }: ResourceAddresses, guard: Guard) {
    super(guard);
    this.#sql = new SqlResource(sql, guard);
    this.#redis = new RedisResource(redis, guard);
  }

  /** `count` keys, in turns at one resource and at the other. */
  static keys(count: number): string[] {
    return Array.from({ length: count }, (_, n) => `${n % 2 === 0 ? 'sql' : 'redis'}-${n}`);
  }

  /** Makes the tables, once per server. */
  async prepare(): Promise<void> {
    await this.#sql.prepare();
  }

  async enter(visit: Visit): Promise<Reading> {
    return await this.#of(visit).enter(visit);
  }

  async leave(visit: Visit, reading: Reading): Promise<Writing> {
    return await this.#of(visit).leave(visit, reading);
  }

  async journal(): Promise<JournalEntry[]> {
    return (await Promise.all([this.#sql.journal(), this.#redis.journal()])).flat();
  }

  async clear(): Promise<void> {
    await Promise.all([this.#sql.clear(), this.#redis.clear()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#sql.close(), this.#redis.close()]);
  }

  #of({ key }: Visit): Resource {
    return key.startsWith('sql') ? this.#sql : this.#redis;
  }
}
