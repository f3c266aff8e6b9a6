/**
 * Two nodes whose steps a schedule decides: each command, each reply, each message and each return of
 * a factory waits until it lets it happen.
 */
import {
  type CacheOptions,
  resolveCacheOptions,
} from '../../libs/distributed/src/cache/cache.options.js';
import type { CacheStore } from '../../libs/distributed/src/cache/cache.store.js';
import type { GetOrSetOptions } from '../../libs/distributed/src/cache/index.js';
import { L2Breaker } from '../../libs/distributed/src/cache/l2-breaker.js';
import { RedisKeys } from '../../libs/distributed/src/redis/redis.keys.js';
import type { RedisConnection } from '../../libs/distributed/src/redis/index.js';
import { Clock, SystemRandom, type Timer } from '../../libs/distributed/src/time/index.js';
import { type CacheNode, composeCacheNode } from './cache-node.fixture.js';
import { SimulatedCacheStore, SimulatedRedis } from './simulated-redis.fixture.js';

/** Something that can happen next. */
interface Event {
  readonly label: string;
  readonly run: () => void;
}

/** A node of a world. */
export interface ExploredNode {
  readonly name: string;
  readonly cache: CacheNode;
  /** Messages on their way to it, oldest first. */
  readonly inbox: string[];
  delivered: number;
}

/** The reply to these can be late; of the others only the moment they are executed matters. */
const SLOW_REPLIES = new Set(['read', 'acquire', 'fill', 'head', 'bindTags', 'remove']);

/** Time moves only when a sleeper is woken, because nothing else can happen. */
class SteppedClock extends Clock {
  readonly sleepers = new Set<{ at: number; wake: () => void }>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return this.#now;
  }

  setTimer(wake: () => void, ms: number, options: { keepAlive?: boolean } = {}): Timer {
    // Heartbeats and lease extensions play no part in the order of things.
    if (!options.keepAlive) return { cancel: () => undefined };
    const sleeper = { at: this.#now + ms, wake };
    this.sleepers.add(sleeper);
    return { cancel: () => void this.sleepers.delete(sleeper) };
  }

  /** Nobody sleeps. */
  pass(ms: number): void {
    this.#now += ms;
  }

  wakeNext(): boolean {
    const [next] = [...this.sleepers].toSorted((a, b) => a.at - b.at);
    if (!next) return false;
    this.sleepers.delete(next);
    this.#now = next.at;
    next.wake();
    return true;
  }
}

/** What two nodes do at the same time. */
export interface Scenario {
  readonly name: string;
  readonly cache?: CacheOptions;
  readonly load?: GetOrSetOptions<number>;
  /** Commands whose moment makes no difference here. Default: the tags' clock and the generation. */
  readonly instant?: readonly string[];
  /** Done before, one after the other. */
  readonly before?: (world: World) => Promise<void>;
  readonly programs: readonly ((world: World) => Promise<unknown>)[];
}

/** One run of one schedule. */
export class World {
  readonly redis = new SimulatedRedis();
  readonly clock = new SteppedClock();
  readonly nodes: readonly [ExploredNode, ExploredNode];
  readonly #events: Event[] = [];
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  /** The protected row: its version. */
  row = 1;
  #published = 0;
  #publisher: string | undefined;
  readonly #instant: ReadonlySet<string>;
  /** Evictions that were acknowledged: no older version may be seen by calls that come later. */
  readonly #acknowledged: { node: ExploredNode; version: number; published: number }[] = [];

  readonly load: GetOrSetOptions<number>;

  constructor({ cache = {}, load = {}, instant = ['clock', 'generation'] }: Scenario) {
    this.load = load;
    this.#instant = new Set(instant);
    this.nodes = [this.#node('A', cache), this.#node('B', cache)];
    this.redis.subscribers.add(() => this.#published++);
  }

  #node(name: string, cache: CacheOptions): ExploredNode {
    const options = resolveCacheOptions({
      ttl: '1h',
      jitter: 0,
      l1: { maxEntries: 4, maxTtl: '1h' },
      bus: { timeout: '1d' },
      ...cache,
    });
    const inbox: string[] = [];
    this.redis.subscribers.add((text) => {
      // A node ignores its own messages: when they come makes no difference.
      if (this.#publisher === name) node.delivered++;
      else inbox.push(text);
    });
    let receive: (text: string) => void = () => undefined;
    const connection = {
      keys: new RedisKeys('distributed'),
      subscriberUp: true,
      onSubscriberChange: () => () => undefined,
      execute: () => Promise.resolve(),
      subscribe: (_channel: string, listener: (text: string) => void) => {
        receive = listener;
        return Promise.resolve({ unsubscribe: () => undefined });
      },
      close: () => Promise.resolve(),
    } as unknown as RedisConnection;
    const breaker = new L2Breaker(this.clock, options);
    const store = this.#gated(name, new SimulatedCacheStore(this.redis));
    const random = new SystemRandom();
    const parts = { connection, store, clock: this.clock, random, options, breaker };
    const node: ExploredNode = { name, cache: composeCacheNode(parts), inbox, delivered: 0 };
    this.#receivers.set(node, (text) => receive(text));
    return node;
  }
  readonly #receivers = new Map<ExploredNode, (text: string) => void>();

  #gated(name: string, store: CacheStore): CacheStore {
    return new Proxy(store, {
      get: (target, property) => {
        const operation = String(property);
        const call = Reflect.get(target, property) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (this.#instant.has(operation)) return call.apply(target, args);
          await this.gate(`${name} ${operation}`);
          this.#publisher = name;
          const reply = call.apply(target, args);
          this.#publisher = undefined;
          const result = await reply;
          if (SLOW_REPLIES.has(operation)) await this.gate(`${name} ${operation} replied`);
          return result;
        };
      },
    });
  }

  /** Waits until the schedule comes to it. */
  gate(label: string): Promise<void> {
    return new Promise((resolve) => this.#events.push({ label, run: resolve }));
  }

  /** Lets everything happen that can, in the order that `choose` says. */
  async run(choose: (count: number) => number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const events = [...this.#events, ...this.#deliveries()];
      if (events.length === 0) {
        if (this.clock.wakeNext()) continue;
        return;
      }
      const event = events[choose(events.length)] as Event;
      const index = this.#events.indexOf(event);
      if (index >= 0) this.#events.splice(index, 1);
      this.trace.push(event.label);
      event.run();
    }
  }

  #deliveries(): Event[] {
    return this.nodes
      .filter(({ inbox }) => inbox.length > 0)
      .map((node) => ({
        label: `message to ${node.name}`,
        run: () => {
          node.delivered++;
          this.#receivers.get(node)?.(node.inbox.shift() as string);
        },
      }));
  }

  /** A call; its answer is judged by what the node could know when it began. */
  async get(node: ExploredNode): Promise<number> {
    const oldest = Math.max(
      1,
      ...this.#acknowledged
        .filter((done) => done.node === node || node.delivered >= done.published)
        .map(({ version }) => version),
    );
    const load = async (): Promise<number> => {
      const read = this.row;
      await this.gate(`${node.name} factory returns ${read}`);
      return read;
    };
    const seen = await node.cache.service.getOrSet('c', 'k', load, this.load);
    if (seen < oldest) this.violations.push(`${node.name} got ${seen}, ${oldest} was known`);
    return seen;
  }

  /** Changes the row, then evicts. */
  async change(node: ExploredNode, evict: (cache: CacheNode) => Promise<void>): Promise<void> {
    const version = ++this.row;
    await evict(node.cache);
    this.#acknowledge(node, version);
  }

  /** As `@CachePut()`: announces the put, changes the row, writes. */
  async put(node: ExploredNode): Promise<void> {
    const { registry, writer } = node.cache;
    const region = registry.open('c');
    const terms = { mode: 'hard', when: 'after', onFailure: undefined } as const;
    const put = await writer.prepare({ region, key: 'sk', ...terms });
    const version = ++this.row;
    await writer.put(put, { value: version, ttlMs: 60_000 });
    this.#acknowledge(node, version);
  }

  #acknowledge(node: ExploredNode, version: number): void {
    // Deliveries are counted from the start, so everything published so far includes its message.
    this.#acknowledged.push({ node, version, published: this.#published });
  }
}
