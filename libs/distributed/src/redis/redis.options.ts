/** `forRoot({ redis })`: what may stand there, and what it means. */
import type { Cluster, Redis, RedisOptions as ClientOptions } from 'ioredis';
import * as v from 'valibot';
import { InvalidOptionsError } from '../distributed.errors.js';
import { durationSchema, validateOptions } from '../distributed.validation.js';
import type { Duration } from '../time/index.js';

/** Token of the option `redis` exactly as the user wrote it, not yet validated. */
export const REDIS_OPTIONS = Symbol.for('nestjs-distributed:options:redis');

/** A client of ioredis, standalone (Sentinel included) or Cluster. */
export type RedisClient = Redis | Cluster;

/** How the connection behaves; the same for every topology. */
export interface RedisProfileOptions {
  /** Stands before every key and channel. Default `'distributed'`. */
  keyPrefix?: string;
  /** Deadline of each call. Default `'2s'`. */
  commandTimeout?: Duration;
  /** Deadline of each attempt to connect, until Redis is ready. Default `'3s'`. */
  connectTimeout?: Duration;
  /** How long the application waits for Redis when it starts; 0 does not wait. Default `'10s'`. */
  bootTimeout?: Duration;
  /** How long calls wait for a lost connection before they fail, counted from the loss. Default `'250ms'`. */
  offlineTimeout?: Duration;
  /** Calls under way or waiting at one time; more are refused. Default 10000. */
  maxPending?: number;
  /** How often an idle connection is tried with PING. Default `'5s'`. */
  heartbeatInterval?: Duration;
  /** How long that PING may take before the socket is taken for dead and destroyed. Default `'2s'`. */
  heartbeatTimeout?: Duration;
}

/** One server. */
export interface RedisUrlOptions extends RedisProfileOptions {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
  url: string;
  /** Passed on to ioredis: `tls`, `username`, … What the profile decides wins. */
  clientOptions?: ClientOptions;
}

/** A replicated server whose master the Sentinels name. */
export interface RedisSentinelOptions extends RedisProfileOptions {
  sentinels: readonly { host: string; port: number }[];
  /** The name the Sentinels know the master by. */
  name: string;
  clientOptions?: ClientOptions;
}

/** A Redis Cluster. */
export interface RedisClusterOptions extends RedisProfileOptions {
  /** Some of its nodes; the others are found. */
  cluster: readonly (string | { host: string; port: number })[];
  clientOptions?: ClientOptions;
}

/** A client of the application's own. */
export interface RedisClientOptions extends RedisProfileOptions {
  /** A client is used and left open; one that a function makes is closed with the application. */
  client: RedisClient | (() => RedisClient);
}

/** The option `redis` of `DistributedModule.forRoot()`. */
export type RedisOptions =
  | RedisUrlOptions
  | RedisSentinelOptions
  | RedisClusterOptions
  | RedisClientOptions
  | RedisClient
  | (() => RedisClient);

const addressSchema = v.strictObject({ host: v.string(), port: v.number() });
const clientOptionsSchema = v.optional(
  v.custom<ClientOptions>(isObject, 'expected ioredis options'),
  {},
);

const profile = {
  keyPrefix: v.optional(
    v.pipe(v.string(), v.regex(/^[^{}]+$/, "expected a non-empty text without '{' and '}'")),
    'distributed',
  ),
  commandTimeout: v.optional(durationSchema, '2s'),
  connectTimeout: v.optional(durationSchema, '3s'),
  bootTimeout: v.optional(durationSchema, '10s'),
  offlineTimeout: v.optional(durationSchema, '250ms'),
  maxPending: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10_000),
  heartbeatInterval: v.optional(durationSchema, '5s'),
  heartbeatTimeout: v.optional(durationSchema, '2s'),
};

const schemas = {
  url: v.strictObject({
    ...profile,
    url: v.pipe(
      v.string(
        (issue) =>
          `expected an address such as 'redis://localhost:6379', received ${issue.received}`,
      ),
      v.regex(/^rediss?:\/\//, "expected an address such as 'redis://localhost:6379'"),
    ),
    clientOptions: clientOptionsSchema,
  }),
  sentinels: v.strictObject({
    ...profile,
    sentinels: v.pipe(v.array(addressSchema), v.minLength(1, 'expected at least one Sentinel')),
    name: v.string("expected the name the Sentinels know the master by, such as 'mymaster'"),
    clientOptions: clientOptionsSchema,
  }),
  cluster: v.strictObject({
    ...profile,
    cluster: v.pipe(
      v.array(v.union([v.string(), addressSchema])),
      v.minLength(1, 'expected at least one node'),
    ),
    clientOptions: clientOptionsSchema,
  }),
  client: v.strictObject({
    ...profile,
    client: v.custom<RedisClient | (() => RedisClient)>(
      (value) => isRedisClient(value) || typeof value === 'function',
      'expected a client of ioredis, or a function that makes one',
    ),
  }),
};

/** Validated options; durations are milliseconds. */
export type RedisSettings = {
  [K in keyof typeof schemas]: { readonly kind: K } & v.InferOutput<(typeof schemas)[K]>;
}[keyof typeof schemas];

/**
 * Checks what the user wrote and fills in the defaults.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID`
 */
export function parseRedisOptions(value: unknown, path = 'redis'): RedisSettings {
  const options = isRedisClient(value) || typeof value === 'function' ? { client: value } : value;
  const kinds = Object.keys(schemas) as (keyof typeof schemas)[];
  const kind = isObject(options) ? kinds.find((name) => name in options) : undefined;
  if (!kind) {
    throw new InvalidOptionsError(
      path,
      "expected one of { url: 'redis://localhost:6379' }, { sentinels, name }, { cluster: [...] }, { client }",
    );
  }
  return { kind, ...validateOptions(schemas[kind], options, path) } as RedisSettings;
}

/** True for clients of ioredis, also of another installed copy, which `instanceof` would not know. */
export function isRedisClient(value: unknown): value is RedisClient {
  const candidate = value as Partial<Redis> | null | undefined;
  return (
    isObject(value) &&
    typeof candidate?.duplicate === 'function' &&
    typeof candidate.evalsha === 'function' &&
    typeof candidate.status === 'string'
  );
}

/** True for a client of a Redis Cluster. */
export function isClusterClient(client: RedisClient): client is Cluster {
  return client.isCluster;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
