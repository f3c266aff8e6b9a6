/** Makes clients of ioredis that keep no secrets: no hidden queue, no hidden re-send, no long waits. */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Random } from '../time/index.js';
import type { RedisRole } from './redis.events.js';
import { isClusterClient, type RedisClient, type RedisSettings } from './redis.options.js';

/** A client, and whether it is ours to close. */
export interface OwnedRedisClient {
  readonly client: RedisClient;
  /** False for a client the application gave us. */
  readonly owned: boolean;
  /** What it is for. Default `'commands'`. */
  readonly role?: RedisRole;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/** The client that `settings` describe. */
export function openRedisClient(settings: RedisSettings, random: Random): OwnedRedisClient {
  switch (settings.kind) {
    case 'client':
      return typeof settings.client === 'function'
        ? { client: settings.client(), owned: true }
        : { client: settings.client, owned: false };
    case 'cluster':
      return { client: openCluster(settings, random), owned: true };
    case 'sentinels': {
      const { name, sentinels } = settings;
      const options = { ...profileOf(settings, random), name, sentinels: [...sentinels] };
      return { client: new Redis(options), owned: true };
    }
    case 'url':
      return { client: new Redis(settings.url, profileOf(settings, random)), owned: true };
  }
}

/** Another client of the same servers, for WAIT, which blocks its connection. */
export function openReplicationClient(
  settings: RedisSettings,
  client: RedisClient,
  random: Random,
): OwnedRedisClient {
  const another =
    settings.kind === 'client' ? duplicate(client) : openRedisClient(settings, random).client;
  return { client: another, owned: true, role: 'replication' };
}

function duplicate(client: RedisClient): RedisClient {
  if (isClusterClient(client)) return client.duplicate([], { lazyConnect: true });
  return client.duplicate({
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    connectionName: 'nestjs-distributed:replication',
  });
}

/**
 * A client for messages only, made anew for each session, so that nothing but the session decides
 * when it reconnects and what it subscribes to. In a Cluster it belongs to one of the nodes: PUBLISH
 * reaches all of them.
 * @param session counts the sessions, so that each tries another node
 */
export function openSubscriberClient(client: RedisClient, session: number): Redis | undefined {
  const options: RedisOptions = {
    lazyConnect: true,
    retryStrategy: () => null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    connectionName: 'nestjs-distributed:subscriber',
  };
  if (!isClusterClient(client)) return client.duplicate(options);
  const nodes = client.nodes('master');
  return nodes[session % nodes.length]?.duplicate(options);
}

function openCluster(
  settings: Extract<RedisSettings, { kind: 'cluster' }>,
  random: Random,
): Cluster {
  return new Cluster([...settings.cluster], {
    lazyConnect: true,
    clusterRetryStrategy: retryDelay(random),
    slotsRefreshTimeout: settings.connectTimeout,
    redisOptions: {
      ...settings.clientOptions,
      keepAlive: 10_000,
      connectTimeout: settings.connectTimeout,
    },
  });
}

function profileOf(
  settings: Extract<RedisSettings, { kind: 'url' | 'sentinels' }>,
  random: Random,
): RedisOptions {
  return {
    ...settings.clientOptions,
    lazyConnect: true,
    connectTimeout: settings.connectTimeout,
    sentinelCommandTimeout: settings.commandTimeout,
    keepAlive: 10_000,
    retryStrategy: retryDelay(random),
    // Calls wait and are sent again by RedisConnection, which knows their deadlines: ioredis would
    // still execute a call whose caller has long been told that it failed.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    // After a failover the old master refuses writes; the next connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

/** For ever, twice as late each time up to a second, and at random so that processes spread. */
function retryDelay(random: Random): (attempt: number) => number {
  return (attempt) => {
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
    return Math.round(ceiling * (0.5 + random.next() / 2));
  };
}
