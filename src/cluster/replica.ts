/** One replica of an app with its own lines to its servers, which can be cut without touching others. */
import { createFaultProxy, type FaultProxy } from 'nestjs-distributed/testing';
import { AppProcess, type AppProcessSpec } from './app-process.js';

/** What to run, and the Redis it talks to through its own proxies. */
export interface ReplicaSpec extends AppProcessSpec {
  readonly redisUrl: string;
  /** The one database of the app, if it has one: reached through a proxy, as `DATABASE_URL`. */
  readonly databaseUrl?: string | undefined;
  /** Keeps the messages of runs apart that share a Redis. */
  readonly runId: string;
}

/** The proxies of one replica: the library's Redis connections, the transport's, the database's. */
interface Lines {
  readonly library: FaultProxy;
  readonly transport: FaultProxy;
  readonly database: FaultProxy | undefined;
}

/** A process and its lines. */
export class Replica {
  readonly name: string;
  readonly #process: AppProcess;
  readonly #lines: Lines;

  private constructor(name: string, process: AppProcess, lines: Lines) {
    this.name = name;
    this.#process = process;
    this.#lines = lines;
  }

  /** Opens the proxies; `start` starts the process. */
  static async create({ redisUrl, databaseUrl, runId, ...spec }: ReplicaSpec): Promise<Replica> {
    const [library, transport, database] = await Promise.all([
      createFaultProxy(redisUrl),
      createFaultProxy(redisUrl),
      databaseUrl ? createFaultProxy(databaseUrl) : undefined,
    ]);
    const env = {
      ...spec.env,
      REPLICA: spec.name,
      REDIS_URL: library.url(redisUrl),
      TRANSPORT_URL: withChannels(transport.url(redisUrl), runId),
      ...(database && { DATABASE_URL: database.url(databaseUrl) }),
    };
    return new Replica(spec.name, new AppProcess({ ...spec, env }), {
      library,
      transport,
      database,
    });
  }

  /** How often the process ended without being asked to. */
  get crashes(): number {
    return this.#process.crashes;
  }

  /** Starts the process; resolves when it is ready. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /** Resolves when the process is ready, also after a crash. */
  ready(): Promise<void> {
    return this.#process.ready();
  }

  /** SIGKILL, without a restart: `start` brings it back. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Stops the process in the middle of whatever it does, until `thaw`. */
  freeze(): void {
    this.#process.freeze();
  }

  /** Lets it go on as if no time had passed. */
  thaw(): void {
    this.#process.thaw();
  }

  /** Resets every Redis connection of this replica (RST); it may connect again at once. */
  cutRedis(): void {
    this.#lines.library.resetAll();
    this.#lines.transport.resetAll();
  }

  /** Resets the library's Redis connections and refuses new ones until `heal`; messages still flow. */
  refuseLibraryRedis(): void {
    this.#lines.library.refuse();
    this.#lines.library.resetAll();
  }

  /** What the app sends to its database is held back until `releaseDatabase`; nothing is lost. */
  holdDatabase(): void {
    this.#lines.database?.blackhole('up');
  }

  /** What was held back arrives now. */
  async releaseDatabase(): Promise<void> {
    await this.#lines.database?.heal();
  }

  /** Ends the faults of this replica and on its lines. */
  async heal(): Promise<void> {
    this.thaw();
    await Promise.all(this.#proxies().map((line) => line.heal()));
  }

  /** Ends the process, then its lines. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await Promise.all(this.#proxies().map((line) => line.stop()));
  }

  #proxies(): FaultProxy[] {
    const { library, transport, database } = this.#lines;
    return [library, transport, ...(database ? [database] : [])];
  }
}

function withChannels(url: string, channels: string): string {
  const address = new URL(url);
  address.searchParams.set('channels', channels);
  return address.href;
}
