/** One replica of an app with its own lines to Redis, which can be cut without touching others. */
import { createFaultProxy, type FaultProxy } from 'nestjs-distributed/testing';
import { AppProcess, type AppProcessSpec } from './app-process.js';

/** What to run, and the Redis it talks to through its own proxies. */
export interface ReplicaSpec extends AppProcessSpec {
  readonly redisUrl: string;
  /** Keeps the messages of runs apart that share a Redis. */
  readonly runId: string;
}

/** A process, a proxy for the library's Redis connections, and one for the transport's. */
export class Replica {
  readonly name: string;
  readonly #process: AppProcess;
  readonly #library: FaultProxy;
  readonly #transport: FaultProxy;

  private constructor(
    name: string,
    process: AppProcess,
    library: FaultProxy,
    transport: FaultProxy,
  ) {
    this.name = name;
    this.#process = process;
    this.#library = library;
    this.#transport = transport;
  }

  /** Opens the proxies; `start` starts the process. */
  static async create({ redisUrl, runId, ...spec }: ReplicaSpec): Promise<Replica> {
    const [library, transport] = await Promise.all([
      createFaultProxy(redisUrl),
      createFaultProxy(redisUrl),
    ]);
    const env = {
      ...spec.env,
      REPLICA: spec.name,
      REDIS_URL: library.url(redisUrl),
      TRANSPORT_URL: withChannels(transport.url(redisUrl), runId),
    };
    return new Replica(spec.name, new AppProcess({ ...spec, env }), library, transport);
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

  /** Resets every Redis connection of this replica (RST); it may connect again at once. */
  cutRedis(): void {
    this.#library.resetAll();
    this.#transport.resetAll();
  }

  /** Resets the library's Redis connections and refuses new ones until `heal`; messages still flow. */
  refuseLibraryRedis(): void {
    this.#library.refuse();
    this.#library.resetAll();
  }

  /** Ends the faults on this replica's lines. */
  async heal(): Promise<void> {
    await Promise.all([this.#library.heal(), this.#transport.heal()]);
  }

  /** Ends the process, then its lines. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await Promise.all([this.#library.stop(), this.#transport.stop()]);
  }
}

function withChannels(url: string, channels: string): string {
  const address = new URL(url);
  address.searchParams.set('channels', channels);
  return address.href;
}
