/** A Redis Cluster of three masters, assembled by hand: no redis-cli needed. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer, type RedisServerOptions } from './redis-server.js';
import { ServerStartError } from './server.errors.js';

const SLOTS = 16_384;
const READY_DEADLINE_MS = 30_000;

/** Address of one node. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Three masters that share the 16384 slots. */
export class RedisClusterServers {
  /** The masters; each can be killed, frozen and restarted. */
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  /**
   * Starts the nodes and waits until each of them reports `cluster_state:ok` (about two seconds).
   * @throws ServerMissingError, ServerStartError
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisClusterServers> {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
    const started = await Promise.allSettled(
      [0, 1, 2].map(() =>
        RedisServer.start({ ...options, args: [...args, ...(options.args ?? [])] }),
      ),
    );
    const servers = started.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    const cluster = new RedisClusterServers(servers);
    try {
      const failure = started.find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
      await assemble(servers);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Addresses for a cluster client. */
  get nodes(): RedisNode[] {
    return this.servers.map(({ host, port }) => ({ host, port }));
  }

  /** Ends all nodes and deletes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function assemble(servers: readonly RedisServer[]): Promise<void> {
  const clients = servers.map((server) => new Redis(server.url, { retryStrategy: () => null }));
  try {
    await Promise.all(clients.map((client, index) => claimSlots(client, index, clients.length)));
    // Every node meets every other one: gossip would get there too, but in seconds.
    for (const client of clients)
      for (const { host, port } of servers) await client.call('cluster', 'meet', host, port);
    const deadline = Date.now() + READY_DEADLINE_MS;
    while (!(await isReady(clients))) {
      if (Date.now() > deadline)
        throw new ServerStartError('Redis Cluster', 'its nodes did not agree', '');
      await delay(25);
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** ADDSLOTS with each slot by name: ADDSLOTSRANGE needs Redis 7. */
async function claimSlots(client: Redis, index: number, nodes: number): Promise<void> {
  await client.call('cluster', 'set-config-epoch', index + 1);
  const first = Math.ceil((SLOTS * index) / nodes);
  const end = Math.ceil((SLOTS * (index + 1)) / nodes);
  const slots = Array.from({ length: end - first }, (_, offset) => first + offset);
  await client.call('cluster', 'addslots', ...slots);
}

async function isReady(clients: readonly Redis[]): Promise<boolean> {
  const infos = await Promise.all(clients.map((client) => client.call('cluster', 'info')));
  const expected = ['cluster_state:ok', `cluster_known_nodes:${clients.length}\r`];
  return infos.every((info) => expected.every((line) => String(info).includes(line)));
}
