/** What a run leaves in a Redis that is not ours. */
import { Redis } from 'ioredis';

/**
 * Deletes every key that carries the run's id; claims of messages carry none and expire by
 * themselves within a minute.
 */
export async function removeTraces(url: string, runId: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    // A server that does not answer must not keep the run from ending.
    commandTimeout: 2_000,
    retryStrategy: null,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    for await (const keys of redis.scanStream({ match: `*${runId}*`, count: 1_000 }))
      if ((keys as string[]).length > 0) await redis.unlink(...(keys as string[]));
  } finally {
    redis.disconnect();
  }
}
