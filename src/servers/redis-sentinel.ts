/** A replicated Redis that three Sentinels watch: one master, one replica. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findRedisBinary } from './redis-binary.js';
import type { RedisNode } from './redis-cluster.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';
import { SentinelServer } from './sentinel-server.js';
import { ServerStartError } from './server.errors.js';

const MASTER_NAME = 'mymaster';
const SENTINELS = 3;
const READY_DEADLINE_MS = 30_000;

/** A master, its replica and the Sentinels that elect a new master within about two seconds. */
export class RedisSentinelServers {
  /** The name the Sentinels know the master by. */
  readonly name = MASTER_NAME;
  /** The master at the start; after a failover it may be the replica. */
  readonly master: RedisServer;
  /** The replica at the start. */
  readonly replica: RedisServer;
  readonly #watchers: readonly SentinelServer[];

  private constructor(
    master: RedisServer,
    replica: RedisServer,
    watchers: readonly SentinelServer[],
  ) {
    this.master = master;
    this.replica = replica;
    this.#watchers = watchers;
  }

  /**
   * Starts all five servers and waits until each Sentinel knows the replica and its colleagues
   * (about two seconds).
   * @throws ServerMissingError, ServerStartError
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisSentinelServers> {
    const binary = options.binary ?? (await findRedisBinary());
    const started: { stop(): Promise<void> }[] = [];
    const keep = <T extends { stop(): Promise<void> }>(server: T): T => {
      started.push(server);
      return server;
    };
    const redis = async (...args: string[]): Promise<RedisServer> =>
      keep(
        await RedisServer.start({ ...options, binary, args: [...(options.args ?? []), ...args] }),
      );
    try {
      const master = await redis('--repl-diskless-sync-delay', '0');
      const replica = await redis('--replicaof', `${master.host} ${master.port}`);
      const watchers: SentinelServer[] = [];
      while (watchers.length < SENTINELS)
        watchers.push(keep(await SentinelServer.start(binary, MASTER_NAME, master)));
      const servers = new RedisSentinelServers(master, replica, watchers);
      await servers.#converged();
      return servers;
    } catch (error) {
      await Promise.all(started.map((server) => server.stop()));
      throw error;
    }
  }

  /** Addresses of the Sentinels. */
  get sentinels(): RedisNode[] {
    return this.#watchers.map(({ host, port }) => ({ host, port }));
  }

  /** Ends all servers and deletes their data. */
  async stop(): Promise<void> {
    // The Sentinels first, so that they do not start a failover meanwhile.
    await Promise.all(this.#watchers.map((sentinel) => sentinel.stop()));
    await Promise.all([this.master.stop(), this.replica.stop()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #converged(): Promise<void> {
    const clients = this.sentinels.map((node) => new Redis({ ...node, retryStrategy: () => null }));
    try {
      const deadline = Date.now() + READY_DEADLINE_MS;
      while (!(await Promise.all(clients.map(knowsAll))).every(Boolean)) {
        if (Date.now() > deadline)
          throw new ServerStartError('Redis Sentinel', 'the Sentinels did not find each other', '');
        await delay(25);
      }
    } finally {
      for (const client of clients) client.disconnect();
    }
  }
}

/** Whether a Sentinel could lead a failover: it knows a replica in sync and its colleagues. */
async function knowsAll(sentinel: Redis): Promise<boolean> {
  const [master, replicas] = await Promise.all([
    sentinel.call('sentinel', 'master', MASTER_NAME),
    sentinel.call('sentinel', 'replicas', MASTER_NAME),
  ]);
  const known = fields(master);
  const replica = Array.isArray(replicas) ? fields(replicas[0]) : new Map<string, string>();
  return (
    known.get('num-slaves') === '1' &&
    known.get('num-other-sentinels') === String(SENTINELS - 1) &&
    replica.get('master-link-status') === 'ok'
  );
}

function fields(reply: unknown): Map<string, string> {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return new Map(
    flat.flatMap((value, index): [string, string][] =>
      index % 2 === 1 ? [[flat[index - 1] ?? '', value]] : [],
    ),
  );
}
