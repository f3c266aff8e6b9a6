/** A client whose messages take another way to the same server than its commands. */
import { Redis } from 'ioredis';

/** For `forRoot({ redis: { client } })`: the library duplicates it for its messages. */
export function twoWayClient(url: string, subscriberPort: number): Redis {
  const client = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(1_000, 25 * 2 ** attempt),
  });
  client.duplicate = (override) =>
    new Redis({ ...client.options, ...override, port: subscriberPort });
  return client;
}
