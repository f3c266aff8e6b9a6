/** The one subscriber connection of a process: comes back for life, and says when it was away. */
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Clock, Random } from '../time/index.js';
import { RedisDeadlineError, RedisUnavailableError } from './redis.errors.js';
import { redisStateChannel, type RedisStateEvent } from './redis.events.js';
import { SubscriberSession, type SubscriberSessionOptions } from './redis-subscriber-session.js';

/** Receives the messages of a channel, in the order in which Redis sent them. Must not throw. */
export type RedisListener = (message: string) => void;

/** A listener's place on a channel. */
export interface Subscription {
  /** Ends it; the listener is not called any more. Idempotent. */
  unsubscribe(): void;
}

/** `down`: messages may be missed from now on. `up`: all channels are subscribed again. */
export type SubscriberState = 'up' | 'down';

/** What a channel knows of its listeners, and who waits for Redis to acknowledge it. */
class Channel {
  readonly listeners = new Set<RedisListener>();
  readonly waiters = new Set<(acknowledged: boolean) => void>();
  acknowledged = false;
  /** Why it will not be. */
  refusal: Error | undefined;

  acknowledge(): void {
    this.acknowledged = true;
    for (const waiter of this.waiters) waiter(true);
  }

  refuse(error: Error): void {
    this.refusal = error;
    for (const waiter of this.waiters) waiter(false);
  }
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/** Subscriptions over one connection, which is opened with the first of them. */
export class RedisSubscriber {
  readonly #open: (session: number) => Redis | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: SubscriberSessionOptions;
  readonly #logger = new Logger('RedisSubscriber');
  readonly #channels = new Map<string, Channel>();
  readonly #observers = new Set<(state: SubscriberState) => void>();
  readonly #closing = new AbortController();
  #session: SubscriberSession | undefined;
  #running: Promise<void> | undefined;
  #up = false;
  /** After a refusal, until all channels are subscribed. */
  #oneByOne = false;

  /** @param open makes the client of the given session, or nothing when no node is known */
  constructor(
    open: (session: number) => Redis | undefined,
    clock: Clock,
    random: Random,
    options: SubscriberSessionOptions,
  ) {
    this.#open = open;
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  /** Whether every channel is subscribed now. */
  get up(): boolean {
    return this.#up;
  }

  /** See `RedisConnection.onSubscriberChange`. */
  onChange(observer: (state: SubscriberState) => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** See `RedisConnection.subscribe`. */
  async subscribe(name: string, listener: RedisListener, maxMs: number): Promise<Subscription> {
    const label = `subscribe ${name}`;
    this.#assertOpen(label);
    // One listener may be given twice, so each subscription has its own.
    const own: RedisListener = (message) => listener(message);
    const channel = this.#channels.get(name) ?? new Channel();
    channel.listeners.add(own);
    const subscription = { unsubscribe: () => this.#remove(name, channel, own) };
    if (!this.#channels.has(name)) {
      this.#channels.set(name, channel);
      this.#running ??= this.#run();
      if (this.#session && this.#up) void this.#acknowledge(this.#session, [[name, channel]]);
    }
    if (channel.acknowledged || (await this.#acknowledged(channel, maxMs))) return subscription;
    subscription.unsubscribe();
    this.#assertOpen(label);
    // The command's own error, which no repetition would cure.
    if (channel.refusal) throw channel.refusal;
    throw new RedisDeadlineError({ label, executed: 'unknown' }, maxMs);
  }

  /** Ends the connection; subscriptions that wait are rejected. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#session?.close();
    for (const channel of this.#channels.values())
      for (const waiter of channel.waiters) waiter(false);
    await this.#running;
  }

  #assertOpen(label: string): void {
    if (this.#closing.signal.aborted)
      throw new RedisUnavailableError({ label, executed: 'no' }, 'the connection is closed');
  }

  #acknowledged(channel: Channel, maxMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (acknowledged: boolean): void => {
        timer.cancel();
        channel.waiters.delete(settle);
        resolve(acknowledged);
      };
      const timer = this.#clock.setTimer(() => settle(false), maxMs, { keepAlive: true });
      channel.waiters.add(settle);
    });
  }

  #remove(name: string, channel: Channel, listener: RedisListener): void {
    channel.listeners.delete(listener);
    if (channel.listeners.size > 0 || this.#channels.get(name) !== channel) return;
    this.#channels.delete(name);
    this.#session?.unsubscribe(name);
  }

  /** Session after session until `close`. Never rejects. */
  async #run(): Promise<void> {
    let failures = 0;
    for (let count = 0; !this.#closing.signal.aborted; count++) {
      const session = await this.#begin(count);
      if (session) {
        failures = 0;
        await session.ended;
        this.#change('down', session.failure);
      }
      this.#session = undefined;
      for (const channel of this.#channels.values()) channel.acknowledged = false;
      await this.#pause(failures++);
    }
  }

  /** A session in which every channel is acknowledged; from then on the subscriber is up. */
  async #begin(count: number): Promise<SubscriberSession | undefined> {
    const client = this.#open(count);
    if (!client) return undefined;
    const session = new SubscriberSession(client, this.#clock, this.#options, (name, message) =>
      this.#dispatch(name, message),
    );
    this.#session = session;
    if (!(await session.open())) return undefined;
    for (;;) {
      const missing = [...this.#channels].filter(([, channel]) => !channel.acknowledged);
      if (missing.length === 0) {
        // In the same turn as the check: a channel that comes later is subscribed by its caller.
        this.#oneByOne = false;
        this.#change('up');
        return session;
      }
      const next = this.#oneByOne ? missing.slice(0, 1) : missing;
      if (!(await this.#acknowledge(session, next))) return undefined;
    }
  }

  async #acknowledge(
    session: SubscriberSession,
    channels: readonly (readonly [string, Channel])[],
  ): Promise<boolean> {
    const acknowledged = await session.subscribe(channels.map(([name]) => name));
    if (acknowledged && session === this.#session)
      for (const [, channel] of channels) channel.acknowledge();
    // Which of several it is, the server does not say: the next session asks for one after the other.
    if (session.refusal && channels.length === 1) channels[0]?.[1].refuse(session.refusal);
    if (session.refusal) this.#oneByOne = true;
    return acknowledged;
  }

  #dispatch(name: string, message: string): void {
    for (const listener of this.#channels.get(name)?.listeners ?? []) {
      try {
        listener(message);
      } catch (error) {
        // One listener's bug must not take the messages from the others, nor end the process.
        this.#logger.error(`A listener of ${name} threw`, error);
      }
    }
  }

  #change(state: SubscriberState, reason?: string): void {
    if (this.#up === (state === 'up')) return;
    this.#up = state === 'up';
    if (redisStateChannel.hasSubscribers) {
      const event: RedisStateEvent = { role: 'subscriber', state, reason };
      redisStateChannel.publish(event);
    }
    for (const observer of this.#observers) {
      try {
        observer(state);
      } catch (error) {
        this.#logger.error(`An observer of the subscriber threw`, error);
      }
    }
  }

  async #pause(failures: number): Promise<void> {
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
    const delayMs = ceiling * (0.5 + this.#random.next() / 2);
    await this.#clock.sleep(delayMs, this.#closing.signal).catch(() => {});
  }
}
