/**
 * The policy `'s3-fifo'` (Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache
 * eviction, SOSP 2023). New entries wait in a small queue; most are never used again and leave soon,
 * without displacing what is used. Those used more than once move to the main queue, which passes
 * over an entry as often as it was used. A key that left the small queue and comes back soon goes
 * straight to the main one.
 */
import { GhostQueue } from './ghost-queue.js';
import { type L1Node, NodeQueue } from './l1-node.js';
import type { L1Bounds, L1Policy } from './l1-policy.js';

/** The small queue's share of the bounds. */
const SMALL = 0.1;
/** Uses are counted in two bits. */
const MOST = 3;
/** So many uses in the small queue earn a place in the main one: more than one, says the paper. */
const ENOUGH = 2;

export class S3Fifo<E> implements L1Policy<E> {
  #small: NodeQueue<E> = new NodeQueue();
  #main: NodeQueue<E> = new NodeQueue();
  readonly #ghosts = new GhostQueue();
  readonly #smallEntries: number;
  readonly #smallBytes: number;
  #passes = 0;

  constructor(bounds: L1Bounds) {
    this.#smallEntries = Math.max(1, Math.floor(bounds.maxEntries * SMALL));
    this.#smallBytes = bounds.maxBytes * SMALL;
  }

  /** Slots for ghosts, for tests. */
  get ghostCapacity(): number {
    return this.#ghosts.capacity;
  }

  /** How many entries evictions have passed over, for tests: each pass is paid for by a use. */
  get passes(): number {
    return this.#passes;
  }

  admit(node: L1Node<E>): void {
    const ghost = this.#ghosts.take(node.key, this.#ghostLength);
    (ghost ? this.#main : this.#small).push(node);
  }

  touch(node: L1Node<E>): void {
    if (node.frequency < MOST) node.frequency++;
  }

  reweigh(node: L1Node<E>, bytes: number): void {
    node.queue?.reweigh(node, bytes);
  }

  remove(node: L1Node<E>): void {
    node.queue?.remove(node);
  }

  evict(): L1Node<E> | undefined {
    return this.#smallIsFull
      ? (this.#evictSmall() ?? this.#evictMain())
      : (this.#evictMain() ?? this.#evictSmall());
  }

  clear(): void {
    this.#small = new NodeQueue();
    this.#main = new NodeQueue();
    this.#ghosts.clear();
  }

  /** By entries or by bytes, whichever bound is nearer. */
  get #smallIsFull(): boolean {
    return this.#small.size >= this.#smallEntries || this.#small.bytes >= this.#smallBytes;
  }

  /** As many ghosts as the main queue can hold, by what entries weigh at present. */
  get #ghostLength(): number {
    return Math.ceil((this.#small.size + this.#main.size) * (1 - SMALL));
  }

  #evictSmall(): L1Node<E> | undefined {
    for (let node = this.#small.oldest; node; node = this.#small.oldest) {
      this.#small.remove(node);
      if (node.frequency < ENOUGH) {
        this.#ghosts.add(node.key, this.#ghostLength);
        return node;
      }
      node.frequency = 0;
      this.#main.push(node);
      this.#passes++;
    }
    return undefined;
  }

  #evictMain(): L1Node<E> | undefined {
    for (let node = this.#main.oldest; node; node = this.#main.oldest) {
      this.#main.remove(node);
      if (node.frequency === 0) return node;
      node.frequency--;
      this.#main.push(node);
      this.#passes++;
    }
    return undefined;
  }
}
