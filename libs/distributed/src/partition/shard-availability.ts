/**
 * Whether one shard answers. A shard found unreachable refuses calls at once; after `retryAfter`
 * one call pays for a probe while the others keep being refused (a half-open circuit).
 */
import { Logger } from '@nestjs/common';
import type { Clock } from '../time/index.js';
import { ShardUnavailableError } from './partition.errors.js';
import { partitionEvents } from './partition.events.js';

/** What the availability of a shard depends on. */
export interface AvailabilityParts {
  readonly shard: string;
  readonly clock: Clock;
  readonly retryAfterMs: number;
  /**
   * Asks the server. Rejects with a `ShardUnavailableError` when it does not answer; any other
   * rejection is a mistake in the configuration and changes nothing.
   */
  readonly probe: () => Promise<void>;
  /** Called when the shard has just been found unreachable. */
  readonly onDown: () => void;
}

/** State of one shard; starts as not yet connected. */
export class ShardAvailability {
  readonly #logger = new Logger('PartitionModule');
  readonly #parts: AvailabilityParts;
  #up = false;
  #cause: unknown;
  #downSince: number | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  #probing: Promise<void> | undefined;

  constructor(parts: AvailabilityParts) {
    this.#parts = parts;
  }

  /** Whether calls may go through. */
  get isUp(): boolean {
    return this.#up;
  }

  /**
   * Lets a call through, or refuses it without waiting; the first one after `retryAfter` probes.
   * @throws ShardUnavailableError `E_PARTITION_SHARD_UNAVAILABLE`, executed `'no'`
   */
  async admit(): Promise<void> {
    if (this.#up) return;
    if (this.#probing || this.#parts.clock.now() < this.#retryAt) throw this.refusal('no');
    await this.check();
  }

  /** The error of a refused call. */
  refusal(executed: 'no' | 'unknown'): ShardUnavailableError {
    return new ShardUnavailableError(this.#parts.shard, 'unreachable', {
      executed,
      cause: this.#cause,
    });
  }

  /** Asks the server and takes its answer as the state. Concurrent callers share one question. */
  check(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Resolves when no probe is running. */
  async quiet(): Promise<void> {
    await this.#probing?.catch(() => undefined);
  }

  async #probe(): Promise<void> {
    try {
      await this.#parts.probe();
    } catch (error) {
      if (!(error instanceof ShardUnavailableError)) throw error;
      this.#goDown(error.cause);
      throw this.refusal('no');
    }
    this.#goUp();
  }

  #goUp(): void {
    if (this.#up) return;
    const { shard, clock } = this.#parts;
    const downMs = this.#downSince === undefined ? 0 : clock.now() - this.#downSince;
    this.#up = true;
    this.#downSince = undefined;
    this.#cause = undefined;
    if (downMs > 0)
      this.#logger.log(`Shard '${shard}' answers again after ${Math.round(downMs)} ms`);
    partitionEvents.emit('shardUp', () => ({ shard, downMs }));
  }

  #goDown(cause: unknown): void {
    const { shard, clock, retryAfterMs, onDown } = this.#parts;
    this.#retryAt = clock.now() + retryAfterMs;
    this.#cause = cause;
    this.#up = false;
    if (this.#downSince !== undefined) return;
    this.#downSince = clock.now();
    this.#logger.warn(
      `Shard '${shard}' is unreachable; calls to it are refused until it answers: ${String(cause)}`,
    );
    partitionEvents.emit('shardDown', () => ({ shard, cause }));
    onDown();
  }
}
