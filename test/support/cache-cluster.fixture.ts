/** Nodes around one Redis and one protected row, whose steps a test can hold at gates. */
import type { GetOrSetOptions } from '../../libs/distributed/src/cache/index.js';
import { type CacheNode, type CacheNodeOptions, startCacheNode } from './cache-node.fixture.js';
import { GatedCacheStore } from './gated-cache-store.fixture.js';
import { type RedisServer, startRedis } from './redis.fixture.js';

/** A node with gates. */
export interface GatedNode extends CacheNode {
  readonly gates: GatedCacheStore;
}

/** A load that has read the row and has not returned yet. */
export interface SlowLoad {
  readonly value: Promise<string>;
  readonly loading: Promise<void>;
  finish(): void;
}

/** All nodes use the key `k` of the cache `c`, which holds `row`. */
export class CacheCluster {
  /** The protected resource. */
  row = 'old';
  readonly nodes: GatedNode[] = [];

  private constructor(readonly server: RedisServer) {}

  static async start(): Promise<CacheCluster> {
    return new CacheCluster(await startRedis());
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Ends the nodes and forgets everything. */
  async reset(): Promise<void> {
    await this.nodes[0]?.connection.client.flushall();
    await Promise.all(this.nodes.splice(0).map((node) => node.close()));
    this.row = 'old';
  }

  async node(cache: CacheNodeOptions['cache'] = {}): Promise<GatedNode> {
    let gates!: GatedCacheStore;
    const store: CacheNodeOptions['store'] = (inner) => (gates = new GatedCacheStore(inner));
    const node = { ...(await startCacheNode(this.server.url, { cache, store })), gates };
    this.nodes.push(node);
    return node;
  }

  get(on: CacheNode): Promise<string> {
    return on.service.getOrSet('c', 'k', () => this.row);
  }

  /** @param failure thrown in the end, in place of the row */
  slowGet(on: CacheNode, failure?: Error, options: GetOrSetOptions<string> = {}): SlowLoad {
    let finish!: () => void;
    let begin!: () => void;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    const loading = new Promise<void>((resolve) => (begin = resolve));
    const load = async (): Promise<string> => {
      const read = this.row;
      begin();
      await gate;
      if (failure) throw failure;
      return read;
    };
    const value = on.service.getOrSet('c', 'k', load, options);
    return { value, loading, finish };
  }

  /** Resolves with the next invalidation that arrives at the node. */
  heard(on: CacheNode): Promise<void> {
    return new Promise((resolve) => on.bus.onInvalidation(() => resolve()));
  }

  /** What each of the first two nodes answers, twice in turns: Redis first, then memory. */
  async answers(): Promise<Set<string>> {
    const [a, b] = this.nodes as [GatedNode, GatedNode];
    const answers = new Set<string>();
    for (const reader of [a, b, a, b]) answers.add(await this.get(reader));
    return answers;
  }

  /** Every message published so far has arrived at the node: the next one comes after them. */
  async caughtUp(on: CacheNode): Promise<void> {
    const sender = this.nodes.find((other) => other !== on) as CacheNode;
    await new Promise<void>((resolve) => {
      on.bus.onInvalidation((cache) => cache === 'mark' && resolve());
      void sender.service.delete('mark', Math.random());
    });
  }
}
