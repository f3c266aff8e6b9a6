/** One master of a Redlock: asks it, and knows when its word cannot be trusted. */
import { type RedisConnection, RedisDeadlineError, RedisUnavailableError } from '../redis/index.js';
import type { RedisScript, RedisScriptCall } from '../redis/index.js';
import type { Clock } from '../time/index.js';
import { ConnectionLosses } from './connection-losses.js';

/** What one master answered, or why it did not. */
export type Vote<R> =
  | { readonly node: RedlockNode; readonly answer: R }
  | {
      readonly node: RedlockNode;
      /** Why there is no answer. */
      readonly fault: string;
      /** Whether it may have been executed, or may still be. */
      readonly executed: 'no' | 'unknown';
    };

/** One question. */
export interface NodeCall extends RedisScriptCall {
  readonly deadlineMs: number;
  /** For votes that give a lock away: how long the master has none after a restart. */
  readonly restartDelayMs?: number;
}

/** Reads `INFO server`. Whole seconds on both ends: up to one second more than has passed. */
const UPTIME_ERROR_MS = 1_000;

/** Never rejects: what goes wrong is a vote that was not given. */
export class RedlockNode {
  /** Host and port. */
  readonly name: string;
  readonly #losses: ConnectionLosses;
  #silent = false;
  #doubtAt = -Infinity;
  /** Losses when `#bornAt` was last confirmed. */
  #confirmedAt = -1;
  #runId: string | undefined;
  #bornAt = -Infinity;

  constructor(
    readonly connection: RedisConnection,
    private readonly clock: Clock,
  ) {
    const { client } = connection;
    this.#losses = new ConnectionLosses(client);
    const { host = '', port = '' } = client.options as { host?: string; port?: number };
    this.name = `${host}:${port}`;
  }

  /** Whether it left the last command that was sent to it unanswered. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Whether a command sent since `instant` may still be on its way to it. */
  doubtfulSince(instant: number): boolean {
    return this.#doubtAt >= instant;
  }

  /** Waits for the first connection. */
  async greet(deadlineMs: number): Promise<Vote<unknown>> {
    return await this.#attempt(() =>
      this.connection.execute('ping', (client) => client.ping(), { deadlineMs }),
    );
  }

  /** Runs a script. */
  async ask<R>(script: RedisScript<R>, call: NodeCall): Promise<Vote<R>> {
    const { keys, args, deadlineMs, restartDelayMs = 0 } = call;
    const until = this.clock.now() + deadlineMs;
    if (!this.connection.up) return this.#fault('there is no connection', 'no');
    if (restartDelayMs > 0) {
      const reason = await this.#withoutVote(restartDelayMs, deadlineMs);
      if (reason) return this.#fault(reason, 'no');
    }
    const left = Math.max(1, Math.ceil(until - this.clock.now()));
    const options = { deadlineMs: left, resend: false };
    const vote = await this.#attempt(() => this.connection.eval(script, keys, args, options));
    // Answered by another connection, perhaps of another run of the server.
    if (restartDelayMs > 0 && 'answer' in vote && !this.#isConfirmed)
      return this.#fault('the connection was lost', 'unknown');
    return vote;
  }

  /** Runs a script several times in one round trip. A call that failed has no result. */
  async askAll<R>(
    script: RedisScript<R>,
    calls: readonly RedisScriptCall[],
    deadlineMs: number,
  ): Promise<Vote<readonly (R | undefined)[]>> {
    if (!this.connection.up) return this.#fault('there is no connection', 'no');
    return await this.#attempt(async () => {
      const options = { deadlineMs, resend: false };
      const results = await this.connection.evalAll(script, calls, options);
      const failure = results.find((result) => result.status === 'rejected');
      if (failure && results.every(({ status }) => status === 'rejected')) throw failure.reason;
      return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    });
  }

  /** Ends the connection if it is ours. */
  async close(): Promise<void> {
    this.#losses.stop();
    await this.connection.close();
  }

  async #attempt<R>(run: () => Promise<R>): Promise<Vote<R>> {
    try {
      const answer = await run();
      this.#silent = false;
      return { node: this, answer };
    } catch (error) {
      const isOurs = error instanceof RedisDeadlineError || error instanceof RedisUnavailableError;
      const executed = isOurs ? error.executed : 'unknown';
      if (error instanceof RedisDeadlineError && executed === 'unknown') this.#silent = true;
      return this.#fault(error instanceof Error ? error.message : String(error), executed);
    }
  }

  #fault(fault: string, executed: 'no' | 'unknown'): Vote<never> {
    if (executed === 'unknown') this.#doubtAt = this.clock.now();
    return { node: this, fault, executed };
  }

  get #isConfirmed(): boolean {
    return this.#confirmedAt === this.#losses.count;
  }

  /**
   * Why it has no vote at present. A server that was restarted may have forgotten leases, so it stays
   * out until they are over ("delayed restarts", S. Sanfilippo, Distributed Locks with Redis).
   */
  async #withoutVote(delayMs: number, deadlineMs: number): Promise<string | undefined> {
    if (!this.#isConfirmed) {
      const reason = await this.#confirm(deadlineMs);
      if (reason) return reason;
    }
    const leftMs = this.#bornAt + delayMs - this.clock.now();
    return leftMs > 0
      ? `restarted, it votes again in ${Math.ceil(leftMs)} ms (restartDelay)`
      : undefined;
  }

  /** Asks, once per connection, which run of the server this is. */
  async #confirm(deadlineMs: number): Promise<string | undefined> {
    const losses = this.#losses.count;
    const vote = await this.#attempt(() =>
      this.connection.execute('info', (client) => client.info('server'), {
        deadlineMs,
        resend: false,
      }),
    );
    if ('fault' in vote) return vote.fault;
    if (losses !== this.#losses.count) return 'the connection was lost';
    const runId = /run_id:(\w+)/.exec(vote.answer)?.[1] ?? 'unknown';
    if (runId !== this.#runId) {
      const isFirst = this.#runId === undefined;
      const uptimeMs = Number(/uptime_in_seconds:(\d+)/.exec(vote.answer)?.[1] ?? 0) * 1_000;
      // At the first meeting the server's word counts; later, that it was another one before.
      const ageMs = isFirst ? Math.max(0, uptimeMs - UPTIME_ERROR_MS) : 0;
      this.#bornAt = this.clock.now() - ageMs;
      this.#runId = runId;
    }
    this.#confirmedAt = losses;
    return undefined;
  }
}
