/** Decides which replica handles a message. */
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { closeConnection, guardConnection } from './guarded-connection.js';
import { MESSAGING_OPTIONS, type MessagingOptions } from './messaging.options.js';

/** How long a claim is remembered; far longer than any caller waits. */
const CLAIM_TTL_MS = 60_000;
const CLAIM_DEADLINE_MS = 2_000;

/** Claims in the transport's own Redis: when that is down there are no messages either. */
@Injectable()
export class MessageClaimStore implements OnApplicationShutdown {
  readonly #redis: Redis;
  readonly #replica: string;

  constructor(@Inject(MESSAGING_OPTIONS) options: MessagingOptions) {
    this.#replica = options.replica;
    const redis = new Redis(options.transportUrl, {
      connectTimeout: CLAIM_DEADLINE_MS,
      disconnectTimeout: 200,
      commandTimeout: CLAIM_DEADLINE_MS,
      maxRetriesPerRequest: 1,
      retryStrategy: () => 250,
    });
    this.#redis = guardConnection(redis, new Logger(MessageClaimStore.name));
  }

  /** True for exactly one replica per message. Rejects when Redis cannot be asked in time. */
  async claim(messageId: string): Promise<boolean> {
    const reply = await this.#redis.set(
      `once:${messageId}`,
      this.#replica,
      'PX',
      CLAIM_TTL_MS,
      'NX',
    );
    return reply === 'OK';
  }

  async onApplicationShutdown(): Promise<void> {
    await closeConnection(this.#redis);
  }
}
