/** Scripts whose writes count once replicas have them: each batch is followed by WAIT. */
import { Command } from 'ioredis';
import type { Clock } from '../time/index.js';
import type { RedisCallOptions, RedisCaller } from './redis-caller.js';
import { type RedisCalls, sending } from './redis-calls.js';
import { isScriptMissing, isSlotElsewhere } from './redis-failure.js';
import { parametersOf, type RedisScript, type RedisScriptCall } from './redis-script.js';
import { isClusterClient, type RedisClient } from './redis.options.js';

/** When a write counts. */
export interface ReplicationOptions {
  /** How many replicas must confirm it. */
  readonly replicas: number;
  /** How long the server waits for them, milliseconds; more than 0. */
  readonly timeoutMs: number;
}

/** A reply, and who has what was written. */
export interface Replicated<R> {
  readonly value: R;
  /** How many replicas confirmed it in time. */
  readonly replicas: number;
  /** Why nobody knows of any, when WAIT itself failed. */
  readonly failure?: unknown;
}

/** What the calls share with the connection that is theirs alone. */
export interface ReplicatedLink {
  readonly client: RedisClient;
  readonly caller: RedisCaller;
  readonly calls: RedisCalls;
  readonly clock: Clock;
}

/** One call on its way into a batch. */
interface Entry {
  readonly script: RedisScript<unknown>;
  readonly call: RedisScriptCall;
  readonly deadlineAt: number;
  readonly resolve: (reply: Replicated<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** Its caller has asked again. */
  superseded: boolean;
}

/**
 * WAIT blocks its connection, so what comes meanwhile is sent together afterwards, with one WAIT for
 * all (group commit): a slow replica delays a call by two of them at most. Script and WAIT go to one
 * server over one connection: WAIT knows only the writes of its own.
 *
 * A script must write whenever its reply is to be relied on, also when it finds its own repetition:
 * WAIT does not look at what another connection wrote before.
 */
export class ReplicatedScripts {
  readonly #link: ReplicatedLink;
  readonly #options: ReplicationOptions;
  readonly #lanes = new Map<string, BatchLane>();

  constructor(link: ReplicatedLink, options: ReplicationOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** How many replicas must confirm a write. */
  get replicas(): number {
    return this.#options.replicas;
  }

  /** How long they may take, milliseconds. */
  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /**
   * Runs a script. The time for the replicas comes on top of `deadlineMs`.
   * @throws RedisDeadlineError `E_REDIS_DEADLINE`, RedisUnavailableError `E_REDIS_UNAVAILABLE`
   */
  async eval<R>(
    script: RedisScript<R>,
    call: RedisScriptCall,
    options: RedisCallOptions & { readonly deadlineMs: number },
  ): Promise<Replicated<R>> {
    const { caller, clock } = this.#link;
    const deadlineMs = options.deadlineMs + this.#options.timeoutMs;
    const deadlineAt = clock.now() + deadlineMs;
    let last: Entry | undefined;
    const run = (): Promise<Replicated<unknown>> =>
      new Promise((resolve, reject) => {
        // The connection was lost while the earlier one waited for its batch.
        if (last) last.superseded = true;
        last = { script, call, deadlineAt, resolve, reject, superseded: false };
        this.#laneOf(call).add(last);
      });
    const reply = await caller.call(script.name, sending(run), { ...options, deadlineMs });
    return { ...reply, value: script.parse(reply.value) };
  }

  /** A batch goes to one server; in a Cluster the one that has the slot. */
  #laneOf({ keys }: RedisScriptCall): BatchLane {
    const { client } = this.#link;
    const slot = isClusterClient(client) ? new Command('exists', [...keys]).getSlot() : 0;
    const server = isClusterClient(client) ? (client.slots[slot] ?? []).join() : '';
    let lane = this.#lanes.get(server);
    if (!lane) {
      lane = new BatchLane(this.#link, this.#options);
      this.#lanes.set(server, lane);
    }
    return lane;
  }
}

/** The batches for one server, one at a time. */
class BatchLane {
  #next: Entry[] = [];
  #running = false;

  constructor(
    private readonly link: ReplicatedLink,
    private readonly options: ReplicationOptions,
  ) {}

  add(entry: Entry): void {
    this.#next.push(entry);
    if (!this.#running) void this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { calls, clock } = this.link;
    this.#running = true;
    // Calls of one turn go out together.
    await Promise.resolve();
    while (this.#next.length > 0) {
      const now = clock.now();
      const batch = this.#next
        .splice(0)
        .filter(({ superseded, deadlineAt }) => !superseded && deadlineAt > now);
      if (batch.length === 0) continue;
      const latest = Math.max(...batch.map(({ deadlineAt }) => deadlineAt));
      // Late or lost, each caller has been told already.
      const outcome = await calls.attempt(() => this.#commit(batch), latest);
      if (outcome.kind === 'failed') for (const { reject } of batch) reject(outcome.error);
    }
    this.#running = false;
  }

  async #commit(batch: readonly Entry[]): Promise<void> {
    const unknown = await this.#send('evalsha', batch);
    if (unknown.length > 0) await this.#send('eval', unknown);
  }

  /** @returns the calls whose script the server does not know */
  async #send(command: 'evalsha' | 'eval', batch: readonly Entry[]): Promise<Entry[]> {
    const { client } = this.link;
    const pipeline = client.pipeline();
    for (const { script, call } of batch) {
      const body = command === 'eval' ? script.source : script.sha;
      pipeline[command](body, ...parametersOf(script, call));
    }
    pipeline.wait(this.options.replicas, Math.ceil(this.options.timeoutMs));
    const results = (await pipeline.exec()) ?? [];
    const [failure, confirmed] = results[batch.length] ?? [new Error('no reply to WAIT')];
    const replicas = failure ? 0 : Number(confirmed);
    const unknown: Entry[] = [];
    for (const [index, entry] of batch.entries()) {
      const [error, value] = results[index] ?? [new Error('no reply')];
      if (!error) entry.resolve({ value, replicas, ...(failure && { failure }) });
      else if (command === 'evalsha' && isScriptMissing(error)) unknown.push(entry);
      else {
        if (isClusterClient(client) && isSlotElsewhere(error)) client.refreshSlotsCache(() => {});
        entry.reject(error);
      }
    }
    return unknown;
  }
}
