/** Port: decides which entry of the first level leaves when there is no room. */
import type { L1Node } from './l1-node.js';

/** Bounds of one first level. */
export interface L1Bounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/**
 * Knows every node of one first level. All operations are O(1), `evict` amortised over the uses and
 * arrivals before it.
 */
export interface L1Policy<E> {
  /** Takes in a node that arrives. */
  admit(node: L1Node<E>): void;
  /** Notes a use. The path of every hit: nothing but this note may happen here. */
  touch(node: L1Node<E>): void;
  /** Gives a node another weight. */
  reweigh(node: L1Node<E>, bytes: number): void;
  /** Lets go of a node that leaves for another reason than lack of room. */
  remove(node: L1Node<E>): void;
  /** Chooses the node that leaves, and lets go of it; undefined when there is none. */
  evict(): L1Node<E> | undefined;
  /** Lets go of everything. */
  clear(): void;
}
