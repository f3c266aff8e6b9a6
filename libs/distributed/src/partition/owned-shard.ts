/** A shard this library connects to: lazily, with deadlines, again and again, and closes in the end. */
import { isDistributedError } from '../distributed.errors.js';
import type { Clock } from '../time/index.js';
import { ConnectionGate, type Lease } from './connection-gate.js';
import { ConnectionWatch } from './connection-watch.js';
import { ShardUnavailableError } from './partition.errors.js';
import type { OwnedShardOptions, PartitionSettings } from './partition.options.js';
import { isPostgresAnswer, type PgClientClass, type PgPool } from './pg-client.js';
import { Shard } from './shard.js';
import { ShardAvailability } from './shard-availability.js';
import type { ShardDataSource } from './shard-data-source.js';
import type { ShardSchema } from './shard-schema.js';

/** The part of TypeORM's PostgreSQL driver that is read and wrapped here, on this one instance. */
interface PgDriver {
  readonly postgres: { readonly Client: PgClientClass };
  readonly master: PgPool | undefined;
  connect(): Promise<void>;
  obtainMasterConnection(): Promise<Lease>;
}

/** Everything an owned shard is made of. */
export interface OwnedShardParts {
  readonly options: Required<OwnedShardOptions>;
  readonly settings: PartitionSettings;
  readonly clock: Clock;
  readonly schema: ShardSchema;
}

/** See `OwnedShardOptions`. */
export class OwnedShard extends Shard {
  readonly #parts: OwnedShardParts;
  readonly #driver: PgDriver;
  readonly #availability: ShardAvailability;
  readonly #watch: ConnectionWatch;
  readonly #gate: ConnectionGate;
  readonly #Client: PgClientClass;
  #opened = false;
  #closed = false;

  private constructor(parts: OwnedShardParts, dataSource: ShardDataSource, poolExtra: object) {
    super(parts.options.id, dataSource);
    const { clock, settings } = parts;
    this.#parts = parts;
    this.#driver = (dataSource as unknown as { driver: PgDriver }).driver;
    this.#availability = new ShardAvailability({
      shard: this.id,
      clock,
      retryAfterMs: settings.retryAfterMs,
      probe: () => (this.#opened ? this.#ping() : this.#open()),
      onDown: () => {
        this.#watch.severIdle();
        this.#gate.failWaiting();
      },
    });
    this.#watch = new ConnectionWatch({
      shard: this.id,
      clock,
      connectTimeoutMs: settings.connectTimeoutMs,
      silenceMs: settings.connectTimeoutMs,
      deadlineMs: settings.queryTimeoutMs,
      // While the shard opens, that statement is the question itself.
      check: () =>
        this.#opened ? this.#availability.check() : Promise.reject(new Error('opening')),
    });
    this.#gate = new ConnectionGate(this.#availability, this.#watch);
    this.#Client = this.#watch.clientClass(this.#driver.postgres.Client);
    Object.assign(poolExtra, { Client: this.#Client });
    this.#wrapDriver();
  }

  /** Makes the shard; connects to nothing. */
  static async create(parts: OwnedShardParts): Promise<OwnedShard> {
    const { DataSource } = await import('typeorm');
    const { options, settings } = parts;
    const extra = {
      keepAlive: true,
      allowExitOnIdle: true,
      connectionTimeoutMillis: settings.poolTimeoutMs,
    };
    const dataSource = new DataSource({
      type: 'postgres',
      url: options.url,
      entities: [...settings.entities],
      poolSize: options.pool,
      // Idle connections die in every outage; the state of the shard is logged once instead.
      poolErrorHandler: () => undefined,
      extra,
    });
    return new OwnedShard(parts, dataSource, extra);
  }

  async connect(): Promise<void> {
    try {
      await this.#availability.check();
    } catch (error) {
      if (!(error instanceof ShardUnavailableError)) throw error;
    }
  }

  async ready(): Promise<void> {
    if (!this.#availability.isUp) await this.#availability.admit();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#gate.release();
    await this.#availability.quiet();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    await this.#watch.drain(this.#parts.settings.connectTimeoutMs);
  }

  async #open(): Promise<void> {
    if (this.#closed) throw new ShardUnavailableError(this.id, 'unreachable', { executed: 'no' });
    try {
      if (!this.dataSource.isInitialized) await this.dataSource.initialize();
    } catch (error) {
      this.#watch.severAll();
      if (!isDistributedError(error, 'E_PARTITION_SHARD_UNAVAILABLE')) throw error;
      throw new ShardUnavailableError(this.id, 'unreachable', {
        executed: 'no',
        cause: error.cause ?? error,
      });
    }
    this.#parts.schema.install(this.dataSource);
    this.#opened = true;
    this.#gate.guard();
  }

  /** Asks on a fresh connection: those of the pool may be dead, or all in use. */
  async #ping(): Promise<void> {
    const client = new this.#Client(this.#driver.master?.options ?? {});
    client.on('error', () => undefined);
    try {
      await client.connect();
      void client.end().catch(() => undefined);
    } catch (cause) {
      client.connection.stream.destroy();
      // "Too many connections" is an answer too.
      if (!isPostgresAnswer(cause))
        throw new ShardUnavailableError(this.id, 'unreachable', { executed: 'no', cause });
    }
  }

  #wrapDriver(): void {
    const driver = this.#driver;
    const connect = driver.connect.bind(driver);
    const obtain = driver.obtainMasterConnection.bind(driver);
    driver.connect = async () => {
      try {
        await connect();
      } catch (cause) {
        throw new ShardUnavailableError(this.id, 'unreachable', { executed: 'no', cause });
      }
    };
    driver.obtainMasterConnection = () => this.#gate.obtain(obtain);
  }
}
