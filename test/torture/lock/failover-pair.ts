/** A master and a replica behind one address, which follows whoever is the master: failovers by hand. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from '#servers';

/** No server listens here: whoever follows it keeps what it has and hears nothing new. */
const NOWHERE = ['127.0.0.1', 1] as const;

/** A failover takes a tenth of a second here, with Sentinel some seconds: more of them fit into a run. */
export class FailoverPair implements AsyncDisposable {
  #master: RedisServer;
  #replica: RedisServer;
  readonly #relay: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(master: RedisServer, replica: RedisServer) {
    this.#master = master;
    this.#replica = replica;
    this.#relay = createServer((client) => this.#pass(client));
  }

  static async start(): Promise<FailoverPair> {
    const args = ['--repl-diskless-sync-delay', '0'];
    const [master, replica] = await Promise.all([
      RedisServer.start({ args }),
      RedisServer.start({ args }),
    ]);
    const pair = new FailoverPair(master, replica);
    pair.#relay.listen(0, '127.0.0.1');
    await once(pair.#relay, 'listening');
    await pair.#join();
    return pair;
  }

  /** Leads to the master of the moment. */
  get url(): string {
    const address = this.#relay.address();
    return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  /** What the master is told from now on, it alone knows. */
  async cut(): Promise<void> {
    await tell(this.#replica, (redis) => redis.replicaof(...NOWHERE));
    await tell(this.#master, async (redis) => {
      while (/connected_slaves:1/.test(await redis.info('replication'))) await delay(2);
    });
  }

  /** The master dies, the replica takes its place. */
  async promote(): Promise<void> {
    await this.#master.kill();
    await tell(this.#replica, (redis) => redis.call('REPLICAOF', 'NO', 'ONE'));
    [this.#master, this.#replica] = [this.#replica, this.#master];
    for (const socket of this.#sockets) socket.destroy();
  }

  /** The dead one comes back as a replica. */
  async repair(): Promise<void> {
    await this.#replica.restart();
    await this.#join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([this.#master.stop(), this.#replica.stop()]);
  }

  async #join(): Promise<void> {
    const { host, port } = this.#master;
    await tell(this.#replica, (redis) => redis.replicaof(host, port));
    await tell(this.#master, async (redis) => {
      // WAIT counts a replica from its first acknowledgement.
      do await redis.set('sync-probe', 1, 'PX', 1_000);
      while ((await redis.wait(1, 20)) < 1);
    });
  }

  #pass(client: Socket): void {
    const server = connect(this.#master.port, this.#master.host);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

async function tell(server: RedisServer, work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(server.url);
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
