/** A shard this library connects to: lazily, with deadlines, again and again, and closes in the end. */
import type { Clock } from '../time/index.js';
import { isDistributedError } from '../distributed.errors.js';
import { ConnectionWatch } from './connection-watch.js';
import { ShardUnavailableError } from './partition.errors.js';
import type { OwnedShardOptions, PartitionSettings } from './partition.options.js';
import { isPostgresAnswer, type PgClient, type PgClientClass, type PgPool } from './pg-client.js';
import { Shard } from './shard.js';
import { ShardAvailability } from './shard-availability.js';
import type { ShardDataSource } from './shard-data-source.js';
import type { ShardSchema } from './shard-schema.js';

type Lease = [client: PgClient, release: (error?: Error) => void];

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
      onDown: () => this.#watch.severIdle(),
    });
    this.#watch = new ConnectionWatch({
      shard: this.id,
      clock,
      silenceMs: settings.connectTimeoutMs,
      deadlineMs: settings.queryTimeoutMs,
      check: () => this.#availability.check(),
    });
    Object.assign(poolExtra, { Client: this.#watch.clientClass(this.#driver.postgres.Client) });
    this.#wrapDriver();
  }

  /** Makes the shard; connects to nothing. */
  static async create(parts: OwnedShardParts): Promise<OwnedShard> {
    const { DataSource } = await import('typeorm');
    const { options, settings } = parts;
    const extra = { keepAlive: true, allowExitOnIdle: true };
    const dataSource = new DataSource({
      type: 'postgres',
      url: options.url,
      entities: [...settings.entities],
      poolSize: options.pool,
      connectTimeoutMS: settings.connectTimeoutMs,
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
    await this.#availability.quiet();
    // A dead server never confirms the end of a connection.
    const { clock, settings } = this.#parts;
    const timer = clock.setTimer(() => this.#watch.severAll(), settings.connectTimeoutMs);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    timer.cancel();
    this.#watch.severAll();
  }

  async #open(): Promise<void> {
    if (this.#closed) throw new ShardUnavailableError(this.id, 'unreachable', { executed: 'no' });
    try {
      await this.dataSource.initialize();
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
  }

  /** Asks on a fresh connection: those of the pool may be dead, or all in use. */
  async #ping(): Promise<void> {
    const client = new this.#driver.postgres.Client(this.#driver.master?.options);
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
    driver.obtainMasterConnection = () => this.#obtain(obtain);
  }

  async #obtain(obtain: () => Promise<Lease>): Promise<Lease> {
    if (this.#opened && !this.#availability.isUp) throw this.#availability.refusal('unknown');
    try {
      const [client, release] = await obtain();
      this.#watch.lease(client);
      return [
        client,
        (error) => {
          this.#watch.giveBack(client);
          release(error);
        },
      ];
    } catch (cause) {
      throw this.#notObtained(cause);
    }
  }

  #notObtained(cause: unknown): unknown {
    if (this.#closed) return cause;
    // The words of pg-pool for "all connections are in use".
    if (cause instanceof Error && cause.message === 'timeout exceeded when trying to connect')
      return this.#watch.failure('busy', cause);
    // One failed connection is not yet a dead shard: ask before refusing everybody.
    if (this.#opened && !isPostgresAnswer(cause))
      void this.#availability.check().catch(() => undefined);
    return this.#watch.failure('unreachable', cause);
  }
}
