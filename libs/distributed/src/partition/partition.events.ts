/**
 * What the partition capability tells the outside: one diagnostics channel per kind of event.
 * Without subscribers nothing is built. Payloads carry shard ids and slots, never keys.
 */
import { openEventChannels } from '../distributed.events.js';
import type { ShardFailure } from './partition.errors.js';

/** Payloads by channel. */
export interface PartitionEvents {
  /** Once per piece of work that entered a partition (joins of the same slot are not repeated). */
  readonly call: {
    readonly shard: string;
    /** `undefined` for work on a whole shard. */
    readonly slot: number | undefined;
    readonly outcome: 'ok' | 'error';
    readonly durationMs: number;
  };
  /** Work that was refused before it ran. */
  readonly refused: { readonly shard: string; readonly code: string };
  /** A shard was found unreachable; calls to it are refused from now on. */
  readonly shardDown: { readonly shard: string; readonly cause: unknown };
  /** A shard answers again, or for the first time (`downMs` 0). */
  readonly shardUp: { readonly shard: string; readonly downMs: number };
  /** One statement or connection failed because of the shard. */
  readonly shardFailure: { readonly shard: string; readonly reason: ShardFailure };
}

/** Names of the channels, for `diagnostics_channel.subscribe(PARTITION_CHANNELS.call, …)`. */
export const PARTITION_CHANNELS = {
  call: 'nestjs-distributed:partition:call',
  refused: 'nestjs-distributed:partition:refused',
  shardDown: 'nestjs-distributed:partition:shard-down',
  shardUp: 'nestjs-distributed:partition:shard-up',
  shardFailure: 'nestjs-distributed:partition:shard-failure',
} as const satisfies Record<keyof PartitionEvents, string>;

/** Emits the events of this room. */
export const partitionEvents = openEventChannels<PartitionEvents>(PARTITION_CHANNELS);
