/** The whole shop of a run: servers, databases, provider, processes; opened and closed in order. */
import { Judge } from '../judge/judge.js';
import { PaymentProvider } from '../provider/payment-provider.js';
import { LockWitness } from './lock-witness.js';
import { removeTraces } from './redis-traces.js';
import { RunFolder } from './run-folder.js';
import type { ShardOutage } from './shard-outage.js';
import { ShopCluster } from './shop-cluster.js';
import { ShopDatabases } from './shop-databases.js';
import { openServers } from './shop-servers.js';

/** What opening needs from its caller. */
export interface ShopOptions {
  /** Folder that keeps the logs; default: they go with the run. */
  readonly logs?: string | undefined;
  /** Wraps each step, to show it. */
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
  /** Ends the opening between two steps. */
  readonly signal: AbortSignal;
}

/** An open shop. */
export interface Shop {
  readonly runId: string;
  /** Address of Redis. */
  readonly redis: string;
  readonly databases: ShopDatabases;
  readonly provider: PaymentProvider;
  readonly cluster: ShopCluster;
  readonly judge: Judge;
  readonly outage: ShardOutage;
  /** Sees who holds a lock. */
  readonly locks: LockWitness;
  /** Ends and removes everything that was opened; never rejects. */
  close(): Promise<void>;
}

/** Opens everything; what was opened before a failure is closed again. */
export async function openShop({ logs, step, signal }: ShopOptions): Promise<Shop> {
  const closers: (() => Promise<void>)[] = [];
  // The last opened is the first closed; a failure to close one must not keep the others.
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer().catch(() => {});
  };
  const opening = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    return step(title, work);
  };
  try {
    const folder = new RunFolder(logs);
    closers.push(() => folder.remove());
    const servers = await opening('Redis and two PostgreSQL servers', () => openServers());
    closers.push(() => servers.stop());
    const databases = new ShopDatabases(folder.runId, servers);
    if (servers.foreign.databases) closers.push(() => databases.drop());
    if (servers.foreign.redis) closers.push(() => removeTraces(servers.redis, folder.runId));
    const provider = new PaymentProvider();
    await provider.start();
    closers.push(() => provider.stop());
    const cluster = new ShopCluster(folder, {
      redis: servers.redis,
      databases: databases.urls,
      provider: provider.url,
    });
    closers.push(() => cluster.stop());
    await opening('databases and migrations', async () => {
      await databases.create();
      await cluster.migrate();
    });
    await opening('gateway, orders ×2, inventory ×2, payments', () => cluster.start());
    const locks = await LockWitness.open(servers.redis);
    closers.push(() => locks.close());
    signal.throwIfAborted();
    const judge = new Judge(databases.urls);
    return {
      runId: folder.runId,
      redis: servers.redis,
      databases,
      provider,
      cluster,
      judge,
      outage: servers.outage,
      locks,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
