/** One connection for messages, from its first SUBSCRIBE to its end; it never reconnects by itself. */
import type { Redis } from 'ioredis';
import type { Clock } from '../time/index.js';
import { isPermissionDenied } from './redis-failure.js';
import { destroySocket, RedisHeartbeat } from './redis-heartbeat.js';

/** Deadlines of a session, milliseconds. */
export interface SubscriberSessionOptions {
  readonly connectMs: number;
  readonly commandMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

/** Made by `RedisSubscriber`, a new one for each connection. */
export class SubscriberSession {
  /** Resolves when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #client: Redis;
  readonly #clock: Clock;
  readonly #options: SubscriberSessionOptions;
  readonly #heartbeat: RedisHeartbeat;
  #end: () => void = () => {};
  #over = false;
  #failure: string | undefined;
  #refusal: Error | undefined;

  constructor(
    client: Redis,
    clock: Clock,
    options: SubscriberSessionOptions,
    onMessage: (channel: string, message: string) => void,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#options = options;
    this.#heartbeat = new RedisHeartbeat(() => [client], clock, {
      role: 'subscriber',
      intervalMs: options.heartbeatIntervalMs,
      timeoutMs: options.heartbeatTimeoutMs,
      connectMs: options.connectMs,
    });
    client.on('message', onMessage);
    client.on('error', (error: Error) => (this.#failure = error.message));
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        this.#over = true;
        this.#heartbeat.stop();
        resolve();
      };
    });
    client.once('close', this.#end).once('end', this.#end);
  }

  /** The connection's last error. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The server's answer to a channel this user may not listen on. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** Connects. False when that fails or takes too long; the session is then over. */
  async open(): Promise<boolean> {
    const connected = await this.#within(this.#client.connect(), this.#options.connectMs);
    if (connected) this.#heartbeat.start();
    return connected;
  }

  /** SUBSCRIBE. False when it was not acknowledged; the session is then over. */
  async subscribe(channels: readonly string[]): Promise<boolean> {
    if (channels.length === 0) return !this.#over;
    return this.#within(this.#client.subscribe(...channels), this.#options.commandMs);
  }

  /** UNSUBSCRIBE, without waiting: messages that still come have no listener. */
  unsubscribe(channel: string): void {
    if (this.#over) return;
    this.#client.unsubscribe(channel).catch(() => {});
  }

  /** Ends the connection. */
  close(): void {
    this.#end();
    this.#client.disconnect();
    destroySocket(this.#client);
  }

  /** Whether `work` succeeds in time; a session that fails once is closed. */
  async #within(work: Promise<unknown>, maxMs: number): Promise<boolean> {
    if (this.#over) {
      work.catch(() => {});
      return false;
    }
    const succeeded = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimer(() => {
        this.#failure ??= `no reply within ${maxMs} ms`;
        settle(false);
      }, maxMs);
      const settle = (success: boolean): void => {
        timer.cancel();
        resolve(success);
      };
      work.then(
        () => settle(true),
        (error: Error) => {
          this.#failure ??= error.message;
          if (isPermissionDenied(error)) this.#refusal = error;
          settle(false);
        },
      );
      void this.ended.then(() => settle(false));
    });
    if (!succeeded) this.close();
    return succeeded && !this.#over;
  }
}
