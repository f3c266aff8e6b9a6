/** Finds servers that are connected but silent: frozen, or behind a dead network path. */
import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../time/index.js';
import { redisDeadSocketChannel, type RedisDeadSocketEvent } from './redis.events.js';

/** When to look, and how long to wait. */
export interface RedisHeartbeatOptions {
  readonly role: RedisDeadSocketEvent['role'];
  readonly intervalMs: number;
  /** How long a PING may take. */
  readonly timeoutMs: number;
  /** How long a connection may take to become ready. */
  readonly connectMs: number;
}

/**
 * Sends PING to each node in turns and destroys the sockets of those that do not answer; ioredis then
 * reconnects. TCP alone notices such servers after minutes, ioredis never.
 */
export class RedisHeartbeat {
  readonly #nodes: () => readonly Redis[];
  readonly #clock: Clock;
  readonly #options: RedisHeartbeatOptions;
  readonly #probing = new WeakSet<Redis>();
  #timer: Timer | undefined;

  constructor(nodes: () => readonly Redis[], clock: Clock, options: RedisHeartbeatOptions) {
    this.#nodes = nodes;
    this.#clock = clock;
    this.#options = options;
  }

  /** Begins to beat; `stop` ends it. */
  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.probe();
      this.start();
    }, this.#options.intervalMs);
  }

  /** No further beat. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * Bounds the time in which `node` connects, now and later: ioredis bounds the TCP handshake only,
   * not the commands between it and `ready`.
   */
  watchConnecting(node: Redis): void {
    let timer: Timer | undefined;
    const arm = (): void => {
      timer?.cancel();
      timer = this.#clock.setTimer(() => this.#destroy(node), this.#options.connectMs);
    };
    const disarm = (): void => timer?.cancel();
    node.on('connecting', arm).on('ready', disarm).on('close', disarm).on('end', disarm);
    if (node.status === 'connecting' || node.status === 'connect') arm();
  }

  /** Tries all nodes now; for instance because a call got no reply. */
  probe(): void {
    for (const node of this.#nodes()) if (node.status === 'ready') this.#probe(node);
  }

  #probe(node: Redis): void {
    if (this.#probing.has(node)) return;
    this.#probing.add(node);
    const { stream } = node;
    const answered = (): void => {
      timer.cancel();
      this.#probing.delete(node);
      stream.off('close', answered);
    };
    const timer = this.#clock.setTimer(() => {
      // If this process stood still, the reply waits in the socket: one turn of the loop reads it.
      setImmediate(() => {
        if (this.#probing.has(node)) this.#destroy(node);
        answered();
      });
    }, this.#options.timeoutMs);
    stream.once('close', answered);
    // An error is an answer too.
    node.ping().then(answered, answered);
  }

  #destroy(node: Redis): void {
    if (redisDeadSocketChannel.hasSubscribers) {
      const address = `${node.options.host ?? ''}:${node.options.port ?? ''}`;
      const event: RedisDeadSocketEvent = { role: this.#options.role, node: address };
      redisDeadSocketChannel.publish(event);
    }
    destroySocket(node);
  }
}

/** Ends a connection at once, without the farewell that a dead peer would not answer. */
export function destroySocket(node: Redis): void {
  // Absent while a master is looked up; then only the lookup can be given up.
  if ((node.stream as Redis['stream'] | undefined)?.destroy) node.stream.destroy();
  else node.disconnect(true);
}
