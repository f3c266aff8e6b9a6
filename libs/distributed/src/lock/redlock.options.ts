/** `new RedlockStore({ … })`: what may stand there, and what it means. */
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { RedisClientOptions, RedisUrlOptions } from '../redis/index.js';
import { parseRedisOptions, type RedisSettings } from '../redis/redis.options.js';
import type { Duration } from '../time/index.js';

/** One master: an address, whose connection is closed with the application, or a client, which stays open. */
export type RedlockNodeOptions =
  | RedisUrlOptions
  | RedisClientOptions
  | RedisClientOptions['client'];

/** Options of `RedlockStore`. */
export interface RedlockOptions {
  /** The masters: an odd number, 3 at least, of servers that know nothing of each other. */
  nodes: readonly RedlockNodeOptions[];
  /**
   * How long one master may take to answer one attempt. Default: 5 % of the lease, at least 10 ms
   * and at most 200 ms.
   */
  nodeTimeout?: Duration;
  /**
   * How long a master that was restarted has no vote, because it may have forgotten leases: as long
   * as the longest lease of any application. Default: the longest lease this process has asked for.
   * 0 only for masters that keep every acknowledged write (`appendfsync always`).
   */
  restartDelay?: Duration;
}

/** Validated options; durations are milliseconds. */
export interface RedlockSettings {
  readonly nodes: readonly RedlockNodeOptions[];
  readonly nodeTimeoutMs: number | undefined;
  readonly restartDelayMs: number | undefined;
}

const PATH = 'new RedlockStore()';
const DEFAULT_PORT = 6379;
const NODE_TIMEOUT_SHARE = 0.05;
const NODE_TIMEOUT_MIN_MS = 10;
const NODE_TIMEOUT_MAX_MS = 200;

const schema = v.strictObject({
  nodes: v.pipe(
    v.array(v.unknown(), "expected an array such as [{ url: 'redis://one:6379' }, …]"),
    v.check(
      (nodes) => nodes.length >= 3 && nodes.length % 2 === 1,
      (issue) =>
        `expected an odd number of masters, 3 at least, received ${issue.input.length}; ` +
        'an even number survives no more failures than the odd number below it',
    ),
  ),
  nodeTimeout: v.optional(v.pipe(durationSchema, v.minValue(1, 'must be at least 1 ms'))),
  restartDelay: v.optional(durationSchema),
});

/**
 * Checks what the user wrote.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`
 */
export function parseRedlockOptions(options: unknown): RedlockSettings {
  const { nodes, nodeTimeout, restartDelay } = validateOptions(schema, options, PATH);
  const seen = new Set<unknown>();
  for (const [index, node] of nodes.entries()) {
    const path = redlockPath(index);
    const server = serverOf(parseRedisOptions(node, path), path);
    if (seen.has(server))
      throw new InvalidOptionsError(path, 'is the server of another node; one server has one vote');
    seen.add(server);
  }
  return {
    nodes: nodes as RedlockNodeOptions[],
    nodeTimeoutMs: nodeTimeout,
    restartDelayMs: restartDelay,
  };
}

/** How messages name a node. */
export function redlockPath(index: number): string {
  return `${PATH}.nodes[${index}]`;
}

/** How long one master may take, for leases of `leaseMs`. */
export function nodeTimeoutFor(settings: RedlockSettings, leaseMs = Infinity): number {
  const share = Math.min(NODE_TIMEOUT_MAX_MS, leaseMs * NODE_TIMEOUT_SHARE);
  return settings.nodeTimeoutMs ?? Math.max(NODE_TIMEOUT_MIN_MS, share);
}

/** What tells a server from others; databases of one server are one server. */
function serverOf(settings: RedisSettings, path: string): unknown {
  if (settings.kind === 'url') {
    const { hostname, port } = new URL(settings.url);
    return `${hostname}:${port || DEFAULT_PORT}`;
  }
  if (settings.kind === 'client') {
    const { client } = settings;
    if (typeof client === 'function') return client;
    const { isCluster, options } = client;
    if (!isCluster && !('sentinels' in options && options.sentinels))
      return 'host' in options ? `${options.host}:${options.port}` : client;
  }
  const problem = 'expected one master, { url } or a client of one server; ';
  throw new InvalidOptionsError(path, `${problem}a failover would forget the votes it gave`);
}
