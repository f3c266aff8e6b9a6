/**
 * Tells the other nodes what to forget, over Redis pub/sub, and knows when it may have missed
 * something. Pub/sub loses messages silently, so each node numbers its own and repeats the last
 * number in a heartbeat: a gap, or a reconnected subscriber, starts a new epoch, and nothing read in
 * an older epoch is served from memory again. A node that does not hear its own heartbeat for
 * `timeout` takes itself for deaf: memory is not used until it hears one.
 */
import {
  Inject,
  Injectable,
  Logger,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { RedisConnection } from '../redis/index.js';
import { Clock, Random, type Timer } from '../time/index.js';
import { type BusMessage, formatMessage, parseMessage } from './bus-message.js';
import { cacheEvents } from './cache.events.js';
import { CACHE_OPTIONS, type ResolvedCacheOptions } from './cache.options.js';
import type { Announcement, InvalidationMode } from './cache.store.js';

/** What another node wants forgotten; without a key the whole cache. */
export type InvalidationListener = (
  cache: string,
  key: string | undefined,
  mode: InvalidationMode,
) => void;

/** Which tag another node has invalidated. */
export type TagListener = (name: string) => void;

interface Peer {
  sequence: number;
  heardAt: number;
}

/** A node silent for so many timeouts has gone. */
const PEER_TIMEOUTS = 20;

@Injectable()
export class InvalidationBus implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger('CacheBus');
  readonly #node: string;
  readonly #channel: string;
  readonly #peers = new Map<string, Peer>();
  readonly #listeners = new Set<InvalidationListener>();
  readonly #tagListeners = new Set<TagListener>();
  readonly #closers: (() => void)[] = [];
  #heartbeat: Timer | undefined;
  #stopped = false;
  #subscribed = false;
  #subscribing: Promise<void> | undefined;
  #connected = false;
  #reported: 'up' | 'down' = 'down';
  #sequence = 0;
  #epoch = 0;
  /** When the last of our heartbeats that came back was sent: not when it came back. */
  #echoSentAt = 0;

  constructor(
    private readonly connection: RedisConnection,
    private readonly clock: Clock,
    random: Random,
    @Inject(CACHE_OPTIONS) private readonly options: ResolvedCacheOptions,
  ) {
    this.#node = random.token();
    this.#channel = connection.keys.channel('cache', 'bus');
  }

  async onModuleInit(): Promise<void> {
    await this.start();
  }

  onModuleDestroy(): void {
    this.stop();
  }

  /** Moves when messages may have been missed; what was read in an older epoch is not served. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether every eviction the cluster confirmed more than a moment ago is known here. */
  get fresh(): boolean {
    return this.freshAt(this.clock.now());
  }

  /** As `fresh`, for a caller who has read the clock. */
  freshAt(now: number): boolean {
    return this.#connected && now - this.#echoSentAt < this.options.bus.timeout;
  }

  /** Starts to beat and to listen. `fresh` becomes true when Redis has acknowledged it. */
  async start(): Promise<void> {
    if (this.#closers.length > 0) return;
    this.#closers.push(
      this.connection.onSubscriberChange((state) =>
        state === 'up' ? this.#connect() : this.#disconnect(),
      ),
    );
    this.#beat();
    await this.#subscribing;
  }

  stop(): void {
    this.#stopped = true;
    this.#connected = false;
    this.#heartbeat?.cancel();
    for (const close of this.#closers.splice(0)) close();
  }

  /** Calls `listener` for every invalidation of another node. */
  onInvalidation(listener: InvalidationListener): void {
    this.#listeners.add(listener);
  }

  /** Calls `listener` for every tag that another node has invalidated. */
  onTag(listener: TagListener): void {
    this.#tagListeners.add(listener);
  }

  /** The next message of this node, to be published with the change itself. */
  announcement(
    cache: string,
    key: string | undefined,
    mode: InvalidationMode = 'hard',
  ): Announcement {
    const sequence = ++this.#sequence;
    return this.#format({ kind: 'forget', node: this.#node, sequence, cache, key, mode });
  }

  /** The same for a tag. */
  tagAnnouncement(tag: string): Announcement {
    return this.#format({ kind: 'tag', node: this.#node, sequence: ++this.#sequence, tag });
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    // A message of a newer release: something was invalidated, nobody here knows what.
    if (!message) return this.#startEpoch('gap');
    if (message.node === this.#node) {
      if (message.kind === 'heartbeat')
        this.#echoSentAt = Math.max(this.#echoSentAt, message.sentAt);
      return;
    }
    this.#follow(message);
    if (message.kind === 'tag') for (const listener of this.#tagListeners) listener(message.tag);
    if (message.kind !== 'forget') return;
    for (const listener of this.#listeners) listener(message.cache, message.key, message.mode);
  }

  /** Compares a peer's number with the last one heard. */
  #follow(message: BusMessage): void {
    const peer = this.#peers.get(message.node);
    const heardAt = this.clock.now();
    if (!peer) {
      this.#peers.set(message.node, { sequence: message.sequence, heardAt });
      return;
    }
    const next = message.kind === 'heartbeat' ? peer.sequence : peer.sequence + 1;
    if (message.sequence > next) this.#startEpoch('gap');
    peer.sequence = Math.max(peer.sequence, message.sequence);
    peer.heardAt = heardAt;
  }

  #connect(): void {
    // The connection serves other channels too and may be up before this one is subscribed.
    if (this.#stopped || !this.#subscribed) return;
    this.#connected = true;
    // Whatever was published meanwhile is lost: numbers heard before say nothing any more.
    this.#peers.clear();
    this.#echoSentAt = this.clock.now();
    this.#startEpoch('up');
    this.#reported = 'up';
  }

  #disconnect(): void {
    this.#connected = false;
    this.#report();
  }

  #startEpoch(state: 'up' | 'gap'): void {
    this.#epoch++;
    cacheEvents.emit('bus', () => ({ state, epoch: this.#epoch }));
  }

  /** Never rejects: an application boots while Redis is down, and the next beat tries again. */
  async #subscribe(): Promise<void> {
    try {
      const subscription = await this.connection.subscribe(this.#channel, (text) =>
        this.#receive(text),
      );
      if (this.#stopped) return subscription.unsubscribe();
      this.#closers.push(() => subscription.unsubscribe());
      this.#subscribed = true;
      if (this.connection.subscriberUp) this.#connect();
    } catch {
      this.#subscribing = undefined;
    }
  }

  #beat(): void {
    if (this.#stopped) return;
    this.#subscribing ??= this.#subscribe();
    void this.#publishHeartbeat().catch(() => undefined);
    this.#report();
    this.#dropSilentPeers();
    this.#heartbeat = this.clock.setTimer(() => this.#beat(), this.options.bus.heartbeat);
  }

  /** A failure needs no handling: the missing echo is the alarm. */
  async #publishHeartbeat(): Promise<void> {
    const { channel, text } = this.#format({
      kind: 'heartbeat',
      node: this.#node,
      sequence: this.#sequence,
      sentAt: this.clock.now(),
    });
    await this.connection.execute('cache heartbeat', (client) => client.publish(channel, text), {
      deadlineMs: this.options.bus.heartbeat,
    });
  }

  /** Tells when the bus went down or came back, once each. */
  #report(): void {
    const state = this.fresh ? 'up' : 'down';
    if (state === this.#reported) return;
    this.#reported = state;
    if (state === 'down')
      this.#logger.warn('The invalidation bus is down: memory is not trusted (l1OnBusDown).');
    cacheEvents.emit('bus', () => ({ state, epoch: this.#epoch }));
  }

  #dropSilentPeers(): void {
    const oldest = this.clock.now() - PEER_TIMEOUTS * this.options.bus.timeout;
    for (const [node, peer] of this.#peers) if (peer.heardAt < oldest) this.#peers.delete(node);
  }

  #format(message: BusMessage): Announcement {
    return { channel: this.#channel, text: formatMessage(message) };
  }
}
