/** Nest's Redis server without the holes its options cannot close (read in version 12.1.1). */
import { type MessageHandler, ServerRedis } from '@nestjs/microservices';
import type { Redis } from 'ioredis';
import { closeConnection, guardConnection } from './guarded-connection.js';
import { channelPrefix, transportOptions } from './messaging.options.js';

/**
 * What the stock class does, and this one does not: say it listens before Redis acknowledged the
 * subscriptions; leave their failure unhandled, which ends the process; hang in `close()` when the
 * server does not answer; close the publisher first, so that the last replies are lost.
 */
export class ShopRedisServer extends ServerRedis {
  readonly #prefix: string;

  constructor(options: { readonly url: string }) {
    // `null`: a subscription must survive any outage, or this replica is deaf for ever.
    super({ ...transportOptions(options.url), maxRetriesPerRequest: null });
    this.#prefix = channelPrefix(options.url);
  }

  override async createRedisClient(): Promise<Redis> {
    return guardConnection((await super.createRedisClient()) as Redis, this.logger);
  }

  /** Outages are logged by the guard, once each. */
  override registerErrorListener(): void {}

  /** The handler of a channel; its reply goes to the channel's own reply channel. */
  override getHandlerByPattern(channel: string): MessageHandler | null {
    return super.getHandlerByPattern(channel.slice(this.#prefix.length));
  }

  override start(callback?: (error?: unknown) => void): void {
    void this.#start(callback);
  }

  override async close(): Promise<void> {
    this.isManuallyClosed = true;
    await closeConnection(this.subClient);
    await closeConnection(this.pubClient);
    this.pendingEventListeners = [];
  }

  async #start(callback?: (error?: unknown) => void): Promise<void> {
    try {
      await this.#listen();
      callback?.();
    } catch (error) {
      callback?.(error);
    }
  }

  /** Resolves when Redis has acknowledged every subscription. */
  async #listen(): Promise<void> {
    const [subscriber, publisher] = [this.subClient as Redis, this.pubClient as Redis];
    await Promise.all([connected(subscriber), connected(publisher)]);
    const handle = this.getMessageHandler(publisher) as (...message: string[]) => unknown;
    subscriber.on('message', (...message: string[]) => void handle(...message));
    const channels = [...this.messageHandlers.keys()].map((pattern) => this.#prefix + pattern);
    if (channels.length > 0) await subscriber.subscribe(...channels);
  }
}

/** Waits for Redis, also when it starts later than the service; ioredis keeps trying. */
async function connected(redis: Redis): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    redis.once('ready', () => resolve());
  });
  // The first failure is logged by the guard.
  redis.connect().catch(() => undefined);
  await ready;
}
