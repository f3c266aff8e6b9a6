/** The servers under the shop: those the environment names, or real ones of our own. */
import { createFaultProxy, FaultProxy } from 'nestjs-distributed/testing';
import { PostgresServer } from '../servers/postgres-server.js';
import { RedisServer } from '../servers/redis-server.js';
import { ManagedOutage, ProxiedOutage, type ShardOutage } from './shard-outage.js';

/** The shard that goes down in the partition scenario. */
const LOST_SHARD = 's2';

/** What was found or started. */
export interface ShopServers {
  /** Redis, for the library and for the transport. */
  readonly redis: string;
  /** Administrative address of the server with shard s1, the inventory and the payments. */
  readonly postgresA: string;
  /** Administrative address of the server with shard s2, which suffers the outage. */
  readonly postgresB: string;
  /** Whose servers they are: in those of others the run removes its own data. */
  readonly foreign: { readonly redis: boolean; readonly databases: boolean };
  /** Takes server B away and brings it back. */
  readonly outage: ShardOutage;
  /** Ends what was started here, and nothing else. */
  stop(): Promise<void>;
}

/**
 * `REDIS_URL` and `DATABASE_URLS` win; what they do not name is started and thrown away at the end.
 * A single database address serves both shards.
 */
export async function openServers(environment = process.env): Promise<ShopServers> {
  const [first, second = first] = (environment['DATABASE_URLS'] ?? '')
    .split(',')
    .flatMap((url) => url.trim() || []);
  const openings = await Promise.allSettled([
    openRedis(environment['REDIS_URL']),
    first === undefined ? PostgresServer.start() : external(first),
    second === undefined ? PostgresServer.start() : createFaultProxy(second),
  ]);
  const opened = openings.flatMap((opening) =>
    opening.status === 'fulfilled' ? [opening.value] : [],
  );
  const stop = async (): Promise<void> => {
    await Promise.allSettled(opened.map((server) => server.stop()));
  };
  const [redis, a, b] = openings;
  if (redis.status === 'fulfilled' && a.status === 'fulfilled' && b.status === 'fulfilled')
    return {
      redis: redis.value.url,
      foreign: { redis: Boolean(environment['REDIS_URL']), databases: first !== undefined },
      postgresA: a.value.url,
      postgresB: b.value instanceof FaultProxy ? b.value.url() : b.value.url,
      outage:
        b.value instanceof FaultProxy
          ? new ProxiedOutage(LOST_SHARD, b.value)
          : new ManagedOutage(LOST_SHARD, b.value),
      stop,
    };
  await stop();
  throw openings.find((opening) => opening.status === 'rejected')?.reason;
}

interface OpenServer {
  readonly url: string;
  stop(): Promise<void>;
}

function openRedis(url: string | undefined): Promise<OpenServer> {
  return url ? external(url) : RedisServer.start();
}

/** Somebody else's server is not stopped. */
function external(url: string): Promise<OpenServer> {
  return Promise.resolve({ url, stop: () => Promise.resolve() });
}
