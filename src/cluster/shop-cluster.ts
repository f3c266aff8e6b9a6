/** All processes of the shop, on real networks, as in production: gateway, orders, inventory, payments. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DatabaseUrls } from '../judge/judge.js';
import { freePort } from '../servers/free-port.js';
import { Replica } from './replica.js';
import type { RunFolder } from './run-folder.js';

/** What the processes talk to. */
export interface ShopAddresses {
  readonly redis: string;
  readonly databases: DatabaseUrls;
  readonly provider: string;
}

/** App → number of replicas. */
const REPLICAS = { gateway: 1, orders: 2, inventory: 2, payments: 1 } as const;
type App = keyof typeof REPLICAS;
const APPS = Object.keys(REPLICAS) as App[];
/** Apps with tables of their own. */
const MIGRATED: readonly App[] = ['orders', 'inventory', 'payments'];

/** Migrates the databases, boots the processes, ends them. */
export class ShopCluster {
  readonly #folder: RunFolder;
  readonly #addresses: ShopAddresses;
  readonly #replicas = new Map<string, Replica>();
  #origin = '';

  constructor(folder: RunFolder, addresses: ShopAddresses) {
    this.#folder = folder;
    this.#addresses = addresses;
  }

  /** Address of the gateway. */
  get origin(): string {
    return this.#origin;
  }

  /** How many processes ended without being asked to, since the start. */
  get crashes(): number {
    return [...this.#replicas.values()].reduce((sum, replica) => sum + replica.crashes, 0);
  }

  /**
   * One replica by name, such as `orders-1`.
   * @throws RangeError when there is none of that name
   */
  replica(name: string): Replica {
    const replica = this.#replicas.get(name);
    if (!replica) throw new RangeError(`There is no replica ${name}.`);
    return replica;
  }

  /** Creates the tables of every app, on every shard. */
  async migrate(): Promise<void> {
    await Promise.all(MIGRATED.map((app) => this.#migrate(app)));
  }

  /** Starts every process; resolves when all are ready. */
  async start(): Promise<void> {
    const port = await freePort();
    this.#origin = `http://127.0.0.1:${port}`;
    for (const app of APPS)
      for (let n = 1; n <= REPLICAS[app]; n++) await this.#add(app, `${app}-${n}`, port);
    await this.#explained(
      Promise.all([...this.#replicas.values()].map((replica) => replica.start())),
    );
  }

  /** Ends all faults and waits until every process is ready. */
  async recover(): Promise<void> {
    await Promise.all([...this.#replicas.values()].map((replica) => replica.heal()));
    await this.#explained(
      Promise.all([...this.#replicas.values()].map((replica) => replica.ready())),
    );
  }

  /** Ends every process; also what a failed start left behind. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#replicas.values()].map((replica) => replica.stop()));
  }

  async #add(app: App, name: string, port: number): Promise<void> {
    const replica = await Replica.create({
      name,
      entry: entryOf(app, 'main.js'),
      env: this.#environment(app, port),
      logFile: this.#folder.logFile(name),
      redisUrl: this.#addresses.redis,
      databaseUrl: app === 'inventory' ? this.#addresses.databases.inventory : undefined,
      runId: this.#folder.runId,
    });
    this.#replicas.set(name, replica);
  }

  #environment(app: App, port: number): Record<string, string> {
    const { databases, provider } = this.#addresses;
    switch (app) {
      case 'gateway':
        return { PORT: String(port) };
      case 'orders':
        return { SHARD_URLS: shardUrls(databases) };
      case 'inventory':
        return { DATABASE_URL: databases.inventory };
      case 'payments':
        return { DATABASE_URL: databases.payments, PROVIDER_URL: provider };
    }
  }

  async #migrate(app: App): Promise<void> {
    const name = `${app}-migrate`;
    const log = openSync(this.#folder.logFile(name), 'a');
    const env = { ...process.env, ...this.#environment(app, 0) };
    const child = spawn(process.execPath, [entryOf(app, 'migrate.js')], {
      env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0)
      throw new Error(`The migrations of ${app} failed.\n${this.#folder.logTail(name)}`);
  }

  /** Adds the end of the guilty process' log to the error of a failed boot. */
  async #explained(boot: Promise<unknown>): Promise<void> {
    await boot.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const name = message.split(' ', 1)[0] ?? '';
      throw new Error(`${message}\n${this.#folder.logTail(name)}`, { cause: error });
    });
  }
}

function entryOf(app: App, file: string): string {
  return fileURLToPath(new URL(`../../apps/${app}/${file}`, import.meta.url));
}

function shardUrls(databases: DatabaseUrls): string {
  return Object.entries(databases.shards)
    .map(([shard, url]) => `${shard}=${url}`)
    .join(',');
}
