/** Redis as the rooms see it: calls that settle in time, and messages that tell when they may be missed. */
import type { OnApplicationShutdown } from '@nestjs/common';
import { type Clock, type Random, SystemClock, SystemRandom } from '../time/index.js';
import { type RedisCallOptions, RedisCaller } from './redis-caller.js';
import {
  openRedisClient,
  openReplicationClient,
  openSubscriberClient,
  type OwnedRedisClient,
} from './redis-client.js';
import { type Send, sending } from './redis-calls.js';
import { RedisLink } from './redis-link.js';
import { ReplicatedScripts, type ReplicationOptions } from './redis-replicated.js';
import {
  sendScript,
  evalScripts,
  type RawResult,
  type RedisArgument,
  type RedisScript,
  type RedisScriptCall,
} from './redis-script.js';
import {
  type RedisListener,
  RedisSubscriber,
  type SubscriberState,
  type Subscription,
} from './redis-subscriber.js';
import { executedDespite } from './redis-failure.js';
import { RedisKeys } from './redis.keys.js';
import {
  isClusterClient,
  parseRedisOptions,
  type RedisClient,
  type RedisOptions,
  type RedisSettings,
} from './redis.options.js';

/** How the servers are arranged. */
export type RedisTopology = 'standalone' | 'sentinel' | 'cluster';

/**
 * The connections of one application: one for calls, one for messages, others where calls block.
 *
 * Every promise settles, whatever the server or the network do. Failures of the connection are
 * `RedisDeadlineError` or `RedisUnavailableError`; both say whether the call may have been executed.
 * Errors of a command itself (`WRONGTYPE`, an error of a script) arrive unchanged.
 */
export class RedisConnection implements OnApplicationShutdown {
  /** How the servers are arranged. */
  readonly topology: RedisTopology;
  /** Makes the names of keys and channels. */
  readonly keys: RedisKeys;
  /** The raw client, for `execute`. Commands sent on it directly have none of the guarantees above. */
  readonly client: RedisClient;
  readonly #link: RedisLink;
  readonly #caller: RedisCaller;
  readonly #subscriber: RedisSubscriber;
  readonly #commandMs: number;
  readonly #clock: Clock;
  readonly #fork: (blockedMs: number) => RedisConnection;
  readonly #forks: RedisConnection[] = [];

  private constructor(
    settings: RedisSettings,
    clock: Clock,
    random: Random,
    { client, owned, role }: OwnedRedisClient = openRedisClient(settings, random),
  ) {
    this.client = client;
    this.#clock = clock;
    this.topology = topologyOf(client);
    this.keys = new RedisKeys(settings.keyPrefix);
    this.#commandMs = settings.commandTimeout;
    this.#link = new RedisLink(client, owned, settings, clock, role);
    this.#caller = new RedisCaller(this.#link, settings, clock, random);
    this.#subscriber = new RedisSubscriber(
      (session) => openSubscriberClient(client, session),
      clock,
      random,
      {
        connectMs: settings.connectTimeout,
        commandMs: settings.commandTimeout,
        heartbeatIntervalMs: settings.heartbeatInterval,
        heartbeatTimeoutMs: settings.heartbeatTimeout,
      },
    );
    this.#fork = (blockedMs) => {
      // A PING waits behind what blocks the connection.
      const patient = { ...settings, heartbeatTimeout: settings.heartbeatTimeout + blockedMs };
      const another = openReplicationClient(settings, client, random);
      return new RedisConnection(patient, clock, random, another);
    };
  }

  /**
   * Connects, and waits for Redis up to `bootTimeout`.
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`
   * @throws RedisUnavailableError `E_REDIS_UNAVAILABLE` when Redis cannot be reached in time
   */
  static async connect(
    options: RedisOptions,
    clock: Clock = new SystemClock(),
    random: Random = new SystemRandom(),
  ): Promise<RedisConnection> {
    const settings = parseRedisOptions(options, 'DistributedModule.forRoot().redis');
    const connection = new RedisConnection(settings, clock, random);
    try {
      await connection.#link.connect();
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * Begins to connect and waits for nothing: calls fail until Redis is there, as they do whenever it
   * is away. For one of several servers that need not all be there.
   * @param path where the options stand, as the user wrote it
   * @throws InvalidOptionsError `E_OPTIONS_INVALID`
   */
  static open(
    options: RedisOptions,
    path: string,
    clock: Clock = new SystemClock(),
    random: Random = new SystemRandom(),
  ): RedisConnection {
    const settings = { ...parseRedisOptions(options, path), bootTimeout: 0 };
    const connection = new RedisConnection(settings, clock, random);
    void connection.#link.connect();
    return connection;
  }

  /** Whether calls can be sent right now. */
  get up(): boolean {
    return this.#link.gate.open;
  }

  /** Whether every channel is subscribed right now. False before the first `subscribe`. */
  get subscriberUp(): boolean {
    return this.#subscriber.up;
  }

  /**
   * Runs commands under a deadline.
   * @param label names the call in errors and events; no keys of users
   * @param run sends the commands; called again when the connection is lost before they are answered
   * @throws RedisDeadlineError `E_REDIS_DEADLINE`
   * @throws RedisUnavailableError `E_REDIS_UNAVAILABLE`
   */
  execute<T>(
    label: string,
    run: (client: RedisClient) => Promise<T>,
    options: RedisCallOptions = {},
  ): Promise<T> {
    return this.#caller.call(
      label,
      sending(() => run(this.client)),
      options,
    );
  }

  /**
   * Runs a script.
   * @throws RedisDeadlineError `E_REDIS_DEADLINE`
   * @throws RedisUnavailableError `E_REDIS_UNAVAILABLE`
   */
  eval<R>(
    script: RedisScript<R>,
    keys: readonly string[],
    args: readonly RedisArgument[],
    options: RedisCallOptions = {},
  ): Promise<R> {
    const call = { keys, args };
    const send: Send<R> = (answered, failed) =>
      sendScript(this.client, script, call, { answered, failed });
    return this.#caller.call(script.name, send, options);
  }

  /**
   * Runs a script several times in one round trip. Never rejects: each call has its own result, in
   * the order of `calls`.
   */
  async evalAll<R>(
    script: RedisScript<R>,
    calls: readonly RedisScriptCall[],
    options: RedisCallOptions = {},
  ): Promise<PromiseSettledResult<R>[]> {
    const results: RawResult[] = [];
    const run = async (): Promise<void> => {
      const open = [...calls.keys()].filter((index) => !results[index]);
      const batch = open.map((index) => calls[index] as RedisScriptCall);
      const replies = await evalScripts(this.client, script, batch);
      const refused: unknown[] = [];
      for (const [position, result] of replies.entries()) {
        if (executedDespite(result[0]) === undefined) results[open[position] as number] = result;
        else refused.push(result[0]);
      }
      // What the server refused for now is sent once more, the rest is not.
      if (refused.length > 0) throw refused[0];
    };
    let failure: unknown;
    const call = this.#caller.call(script.name, sending(run), options);
    await call.catch((error: unknown) => (failure = error));
    return calls.map((_, index) => settled(results[index] ?? [failure], script.parse));
  }

  /**
   * A further connection, for scripts whose writes count once replicas have them. It is opened now, as
   * the first one was, and closed with it.
   * @throws RedisUnavailableError `E_REDIS_UNAVAILABLE` when Redis cannot be reached in time
   */
  async replicated(options: ReplicationOptions): Promise<ReplicatedScripts> {
    const fork = this.#fork(options.timeoutMs);
    this.#forks.push(fork);
    await fork.#link.connect();
    const { client } = fork;
    const { calls } = fork.#link;
    return new ReplicatedScripts(
      { client, caller: fork.#caller, calls, clock: this.#clock },
      options,
    );
  }

  /**
   * Listens on a channel over the application's one subscriber connection. Messages are lost while
   * that connection is down: see `onSubscriberChange`.
   * @returns when Redis has acknowledged: every message published from now on arrives
   * @throws RedisDeadlineError `E_REDIS_DEADLINE` when it was not acknowledged in time
   * @throws RedisUnavailableError `E_REDIS_UNAVAILABLE` after `close()`; the server's own error when
   *   this user may not listen on the channel
   */
  subscribe(
    channel: string,
    listener: RedisListener,
    options: Pick<RedisCallOptions, 'deadlineMs'> = {},
  ): Promise<Subscription> {
    return this.#subscriber.subscribe(channel, listener, options.deadlineMs ?? this.#commandMs);
  }

  /**
   * Observes the subscriber connection: `down` when messages may be missed from now on, `up` when
   * every channel has been acknowledged (again).
   * @returns ends the observation
   */
  onSubscriberChange(observer: (state: SubscriberState) => void): () => void {
    return this.#subscriber.onChange(observer);
  }

  /** Ends all connections; a client that the application made stays open. Idempotent. */
  async close(): Promise<void> {
    const forks = this.#forks.map((fork) => fork.close());
    await Promise.all([...forks, this.#subscriber.close(), this.#link.close()]);
  }

  /** Nest's last hook: servers are closed by then, and nothing uses Redis any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

function topologyOf(client: RedisClient): RedisTopology {
  if (isClusterClient(client)) return 'cluster';
  return client.options.sentinels ? 'sentinel' : 'standalone';
}

function settled<R>(
  [error, reply]: RawResult,
  parse: (reply: unknown) => R,
): PromiseSettledResult<R> {
  if (error !== null) return { status: 'rejected', reason: error };
  try {
    return { status: 'fulfilled', value: parse(reply) };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
