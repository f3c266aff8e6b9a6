/** Counts lost connections: the one event after which a command may have been executed twice. */
import type { EventEmitter } from 'node:events';
import type { RedisClient } from '../redis/index.js';

/** Watches a client, in a Cluster each of its nodes. */
export class ConnectionLosses {
  readonly #client: RedisClient;
  readonly #watched = new Set<EventEmitter>();
  #count = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    const emitters: EventEmitter[] = 'nodes' in client ? client.nodes('all') : [client];
    for (const emitter of emitters) this.#watch(emitter);
    (client as EventEmitter).on('+node', this.#watch).on('-node', this.#forget);
  }

  /** Losses so far; only differences mean something. */
  get count(): number {
    return this.#count;
  }

  /** Takes its listeners off the client, which may not be ours. */
  stop(): void {
    (this.#client as EventEmitter).off('+node', this.#watch).off('-node', this.#forget);
    for (const emitter of this.#watched) this.#forget(emitter);
  }

  readonly #watch = (emitter: EventEmitter): void => {
    emitter.on('close', this.#lost);
    this.#watched.add(emitter);
  };

  readonly #forget = (emitter: EventEmitter): void => {
    emitter.off('close', this.#lost);
    this.#watched.delete(emitter);
  };

  readonly #lost = (): void => {
    this.#count++;
  };
}
