/** Nest's Redis client without the holes its options cannot close (read in version 12.1.1). */
import type { OnApplicationShutdown } from '@nestjs/common';
import { ClientRedis, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { Redis } from 'ioredis';
import { filter, firstValueFrom } from 'rxjs';
import { closeConnection, guardConnection } from './guarded-connection.js';
import { RemoteError, transportUnavailable } from './messaging.errors.js';
import { channelPrefix, type TransportOptions, transportOptions } from './messaging.options.js';

/**
 * What the stock class does, and this one does not: publish without looking at the result (the
 * process dies, or the caller waits for ever); wait for replies that were published while it was not
 * connected; refuse requests during a reconnection of a moment; unsubscribe the reply channel after every call (an
 * extra round trip, and a race with the next call); keep counting a reply channel as subscribed while
 * its connection is down; publish to nobody as if it were a success; reject with bare strings.
 */
export class ShopRedisClient extends ClientRedis implements OnApplicationShutdown {
  /** Reply channels with an acknowledged, or pending, subscription on the present connection. */
  readonly #replies = new Map<string, Promise<unknown>>();

  readonly #prefix: string;

  constructor(options: { readonly url: string }) {
    const transport: TransportOptions = { ...transportOptions(options.url) };
    // The caller has a deadline: a command that cannot be sent fails after one attempt to reconnect.
    super({ ...transport, maxRetriesPerRequest: 1 });
    this.#prefix = channelPrefix(options.url);
  }

  /** Waits for the connection to come back; callers bound the wait by their deadline. */
  override async connect(): Promise<unknown> {
    try {
      return await super.connect();
    } catch (cause) {
      if (this.isManuallyClosed || !this.subClient)
        throw transportUnavailable('the message transport is not connected', 'no', cause);
      const connected = this.status.pipe(filter((status) => (status as string) === 'connected'));
      return firstValueFrom(connected);
    }
  }

  override async createClient(): Promise<Redis> {
    const redis = guardConnection((await super.createClient()) as Redis, this.logger);
    redis.on('close', () => this.#forgetReplies(redis));
    return redis;
  }

  override getRequestPattern(pattern: string): string {
    return super.getRequestPattern(this.#prefix + pattern);
  }

  override getReplyPattern(pattern: string): string {
    return super.getReplyPattern(this.#prefix + pattern);
  }

  /** Outages are logged by the guard, once each. */
  override registerErrorListener(): void {}

  override async close(): Promise<void> {
    this.isManuallyClosed = true;
    this.handleClose();
    await Promise.all([closeConnection(this.pubClient), closeConnection(this.subClient)]);
    this.pubClient = this.subClient = null;
    this.connectionPromise = null;
    this.isManuallyClosed = false;
    this.wasInitialConnectionSuccessful = false;
    this.pendingEventListeners = [];
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  protected override publish(
    partial: ReadPacket,
    callback: (packet: WritePacket) => unknown,
  ): () => void {
    const packet = this.assignPacketId(partial);
    this.routingMap.set(packet.id, callback);
    void this.#request(packet.id, packet);
    return () => this.routingMap.delete(packet.id);
  }

  protected override serializeError(error: unknown): RemoteError {
    return RemoteError.from(error);
  }

  /** Replies published from now on are lost, so nobody should wait for them until the deadline. */
  #forgetReplies(closed: Redis): void {
    if (closed !== this.subClient) return;
    this.#replies.clear();
    const waiting = [...this.routingMap.values()];
    this.routingMap.clear();
    const err = transportUnavailable('the connection broke before the reply', 'unknown');
    for (const answer of waiting) answer({ err });
  }

  async #request(id: string, packet: ReadPacket): Promise<void> {
    try {
      await this.#transmit(id, packet);
    } catch (err) {
      const answer = this.routingMap.get(id);
      this.routingMap.delete(id);
      answer?.({ err });
    }
  }

  async #transmit(id: string, packet: ReadPacket): Promise<void> {
    const pattern = this.normalizePattern(packet.pattern);
    const request = JSON.stringify(this.serializer.serialize(packet));
    await this.#subscribed(this.getReplyPattern(pattern)).catch((cause: unknown) => {
      throw transportUnavailable(`no reply channel for ${pattern}`, 'no', cause);
    });
    // The caller gave up meanwhile: sending now would do work nobody waits for.
    if (!this.routingMap.has(id)) return;
    const receivers = await this.#publish(this.getRequestPattern(pattern), request);
    if (receivers === 0) throw transportUnavailable(`nobody listens to ${pattern}`, 'no');
  }

  async #publish(channel: string, request: string): Promise<number> {
    try {
      return await (this.pubClient as Redis).publish(channel, request);
    } catch (cause) {
      throw transportUnavailable(`${channel} could not be sent`, 'unknown', cause);
    }
  }

  /** Stays subscribed: reply channels are few, one per pattern. */
  async #subscribed(channel: string): Promise<void> {
    const known = this.#replies.get(channel);
    const pending = known ?? (this.subClient as Redis).subscribe(channel);
    if (!known) this.#replies.set(channel, pending);
    try {
      await pending;
    } catch (error) {
      if (this.#replies.get(channel) === pending) this.#replies.delete(channel);
      throw error;
    }
  }
}
