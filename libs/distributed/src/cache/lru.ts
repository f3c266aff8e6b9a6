/** The policy `'lru'`: the least recently used entry leaves. The list is that of `lru-cache`. */
import { LRUCache } from 'lru-cache';
import type { L1Node } from './l1-node.js';
import type { L1Policy } from './l1-policy.js';

export class Lru<E> implements L1Policy<E> {
  /** Never full by itself: the first level counts entries and bytes. */
  readonly #nodes: LRUCache<L1Node<E>, L1Node<E>>;

  constructor(maxEntries: number) {
    this.#nodes = new LRUCache({ max: maxEntries });
  }

  admit(node: L1Node<E>): void {
    this.#nodes.set(node, node);
  }

  touch(node: L1Node<E>): void {
    this.#nodes.get(node);
  }

  reweigh(node: L1Node<E>, bytes: number): void {
    node.bytes = bytes;
  }

  remove(node: L1Node<E>): void {
    this.#nodes.delete(node);
  }

  evict(): L1Node<E> | undefined {
    return this.#nodes.pop();
  }

  clear(): void {
    this.#nodes.clear();
  }
}
