/** What a Redis connection needs before it may serve a long-lived process. */
import type { LoggerService } from '@nestjs/common';
import type { Redis } from 'ioredis';

const PROBE_EVERY_MS = 500;
/** Unanswered for so many probe intervals: the connection is dead. Counted, so that a busy event loop does not look like a dead server. */
const MISSED_PROBES = 3;
const QUIT_DEADLINE_MS = 500;

/**
 * Closes three holes of ioredis as Nest's transport uses it: commands nobody awaits (PUBLISH,
 * SUBSCRIBE, UNSUBSCRIBE and ioredis' own re-subscription) would end the process as unhandled
 * rejections; a frozen or cut-off server would hold a "ready" connection for ever; an outage would
 * log one line per attempt.
 */
export function guardConnection(redis: Redis, logger: LoggerService): Redis {
  observeCommands(redis);
  probe(redis);
  logOutages(redis, logger);
  return redis;
}

/** Ends a connection within half a second, whatever its server does; never rejects. */
export async function closeConnection(redis: Redis | null | undefined): Promise<void> {
  if (!redis) return;
  if (redis.status === 'ready') {
    const deadline = new Promise<void>((resolve) => {
      setTimeout(resolve, QUIT_DEADLINE_MS).unref();
    });
    await Promise.race([redis.quit().catch(() => undefined), deadline]);
  }
  redis.disconnect();
}

/** Marks every command's promise as observed; whoever awaits it still gets its rejection. */
function observeCommands(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    command.promise.catch(() => undefined);
    return send(command, stream);
  };
}

/** Pings, and replaces the connection when the server stays silent. */
function probe(redis: Redis): void {
  let missed = 0;
  const alive = (): void => {
    missed = 0;
  };
  for (const event of ['connecting', 'ready', 'close']) redis.on(event, alive);
  const timer = setInterval(() => {
    if (redis.status !== 'ready' && redis.status !== 'connect') return;
    if (missed >= MISSED_PROBES) {
      missed = 0;
      redis.disconnect(true);
      return;
    }
    if (missed === 0 && redis.status === 'ready') redis.ping().then(alive, alive);
    missed += 1;
  }, PROBE_EVERY_MS).unref();
  redis.once('end', () => clearInterval(timer));
}

/** One line when a connection breaks, one when it is back. */
function logOutages(redis: Redis, logger: LoggerService): void {
  let broken = false;
  redis.on('error', (error: Error) => {
    if (!broken) logger.warn(`Redis connection lost: ${error.message || error.name}`);
    broken = true;
  });
  redis.on('ready', () => {
    if (broken) logger.log('Redis connection restored');
    broken = false;
  });
}
