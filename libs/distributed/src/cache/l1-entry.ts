/** One entry of the first level, and the queues it stands in: intrusive, so that leaving is O(1). */
import type { PrimitiveKey } from './primitive-key.js';

/** What the first level needs to know of what it keeps. */
export interface L1Entry {
  /** On the monotonic clock of this process; from then on it is not returned. */
  readonly expiresAt: number;
}

/** An entry in its place. Its fields belong to the first level and to its policy. */
export class L1Node<E> {
  /** How often it was used since it was last looked at, up to a small limit; see S3Fifo. */
  frequency = 0;
  queue: NodeQueue<E> | undefined = undefined;
  /** The neighbour that came earlier. */
  older: L1Node<E> | undefined = undefined;
  /** The neighbour that came later. */
  newer: L1Node<E> | undefined = undefined;

  /**
   * @param key the primitive the key stands for, else the key itself
   * @param bytes weight against the bound on bytes
   */
  constructor(
    readonly key: PrimitiveKey,
    public entry: E,
    public bytes: number,
  ) {}
}

/** Nodes in order of arrival. */
export class NodeQueue<E> {
  #oldest: L1Node<E> | undefined;
  #newest: L1Node<E> | undefined;
  #size = 0;
  #bytes = 0;

  /** How many nodes stand in it. */
  get size(): number {
    return this.#size;
  }

  /** Their weight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The node that came first. */
  get oldest(): L1Node<E> | undefined {
    return this.#oldest;
  }

  /** Appends a node that stands in no queue. */
  push(node: L1Node<E>): void {
    node.queue = this;
    node.older = this.#newest;
    if (this.#newest) this.#newest.newer = node;
    else this.#oldest = node;
    this.#newest = node;
    this.#size++;
    this.#bytes += node.bytes;
  }

  /** Takes out a node of this queue. */
  remove(node: L1Node<E>): void {
    if (node.older) node.older.newer = node.newer;
    else this.#oldest = node.newer;
    if (node.newer) node.newer.older = node.older;
    else this.#newest = node.older;
    node.queue = node.older = node.newer = undefined;
    this.#size--;
    this.#bytes -= node.bytes;
  }

  /** Gives a node of this queue another weight. */
  reweigh(node: L1Node<E>, bytes: number): void {
    this.#bytes += bytes - node.bytes;
    node.bytes = bytes;
  }
}
