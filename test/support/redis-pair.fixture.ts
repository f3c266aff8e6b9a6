/** A master and its replica without Sentinels: a spec decides what is replicated, and who is promoted. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from './redis.fixture.js';

/** No server listens here, so a replica of it keeps what it has and gets nothing new. */
const NOWHERE = ['127.0.0.1', 1] as const;

/** Both servers, and a connection to each that goes around what is tested. */
export class RedisPair implements AsyncDisposable {
  readonly onMaster: Redis;
  readonly onReplica: Redis;

  private constructor(
    readonly master: RedisServer,
    readonly replica: RedisServer,
  ) {
    this.onMaster = new Redis(master.url).on('error', () => {});
    this.onReplica = new Redis(replica.url).on('error', () => {});
  }

  /** Starts both and waits until the replica is in sync (about 100 ms). */
  static async start(args: readonly string[] = []): Promise<RedisPair> {
    const diskless = ['--repl-diskless-sync-delay', '0', ...args];
    const [master, replica] = await Promise.all([
      startRedis({ args: diskless }),
      startRedis({ args: diskless }),
    ]);
    const pair = new RedisPair(master, replica);
    await pair.join();
    return pair;
  }

  /** The replica follows the master (again), and the master counts on it. */
  async join(): Promise<void> {
    await this.onReplica.replicaof(this.master.host, this.master.port);
    while (!(await this.#inSync())) await delay(5);
  }

  /** The replica hears nothing more of the master, and nobody has noticed but the two. */
  async cut(): Promise<void> {
    await this.onReplica.replicaof(...NOWHERE);
    while (/connected_slaves:1/.test(await this.onMaster.info('replication'))) await delay(2);
  }

  /** The replica becomes a master, with what it has. */
  async promote(): Promise<void> {
    await this.onReplica.call('REPLICAOF', 'NO', 'ONE');
  }

  /** How often the master has executed a command. */
  async calls(command: string): Promise<number> {
    const stats = await this.onMaster.info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.onMaster.disconnect();
    this.onReplica.disconnect();
    await Promise.all([this.master.stop(), this.replica.stop()]);
  }

  /** WAIT counts a replica from its first acknowledgement. */
  async #inSync(): Promise<boolean> {
    await this.onMaster.set('sync-probe', 1, 'PX', 1_000);
    return (await this.onMaster.wait(1, 20)) === 1;
  }
}
