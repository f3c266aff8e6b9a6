/** Errors of the partition room. */
import { DistributedError } from '../distributed.errors.js';

/** `E_PARTITION_KEY`: the key cannot identify a partition; nothing was routed, no SQL was sent. */
export class PartitionKeyError extends DistributedError {
  constructor(where: string, problem: string) {
    super(
      'E_PARTITION_KEY',
      `${where} ${problem}. A partition key is a non-empty string, a safe integer, a bigint, or an array of two or more of those.`,
    );
  }
}

/** `E_PARTITION_KEY_SOURCE`: a `@Partitioned()` method has no key, or more than one. */
export class PartitionKeySourceError extends DistributedError {
  constructor(where: string, problem: string) {
    super(
      'E_PARTITION_KEY_SOURCE',
      `${where}: ${problem}. Mark exactly one parameter with @PartitionKey(), or pass @Partitioned({ key }).`,
    );
  }
}

/** `E_PARTITION_NO_CONTEXT`: a partitioned repository was used outside a partition. There is no default shard. */
export class NoPartitionContextError extends DistributedError {
  constructor(what: string) {
    super(
      'E_PARTITION_NO_CONTEXT',
      `${what} was used outside a partition. Decorate the calling method with @Partitioned(), or use PartitionService.run(key, …).`,
      { details: { what } },
    );
  }
}

/** `E_PARTITION_WRONG_SLOT`: a row does not belong to the partition (or the shard) it was sent to. */
export class WrongSlotError extends DistributedError {
  /** Slot of the row. */
  readonly slot: number;

  constructor(entity: string, slot: number, expected: string) {
    super(
      'E_PARTITION_WRONG_SLOT',
      `${entity} belongs to slot ${slot}, but ${expected}. Write it inside the partition of its own key.`,
      { details: { entity, slot } },
    );
    this.slot = slot;
  }
}

/** `E_PARTITION_CROSS_SHARD`: another shard was asked for while a transaction is open on the current one. */
export class CrossShardTransactionError extends DistributedError {
  constructor(from: string, to: string) {
    super(
      'E_PARTITION_CROSS_SHARD',
      `A transaction is open on shard '${from}'; work on shard '${to}' would not be part of it. Finish the transaction first.`,
      { details: { from, to } },
    );
  }
}

/** How a shard failed a call. */
export type ShardFailure = 'unreachable' | 'busy' | 'silent' | 'lost' | 'not-initialized';

/** `E_PARTITION_SHARD_UNAVAILABLE`: one shard does not answer; the others are not affected. */
export class ShardUnavailableError extends DistributedError {
  /** Id of the shard. */
  readonly shard: string;
  /** What was observed. */
  readonly reason: ShardFailure;
  /** `'no'`: refused before anything was sent; `'unknown'`: a statement may have been executed. */
  readonly executed: 'no' | 'unknown';

  constructor(
    shard: string,
    reason: ShardFailure,
    options: { executed: 'no' | 'unknown'; cause?: unknown },
  ) {
    super('E_PARTITION_SHARD_UNAVAILABLE', `Shard '${shard}' ${EXPLANATION[reason]}.`, {
      cause: options.cause,
      // Repeating may succeed; whether it is safe is what `executed` says.
      retryable: true,
      details: { shard, reason, executed: options.executed },
    });
    this.shard = shard;
    this.reason = reason;
    this.executed = options.executed;
  }
}

const EXPLANATION: Readonly<Record<ShardFailure, string>> = {
  unreachable: 'cannot be reached; calls to it fail at once until it answers again',
  busy: 'gave no connection within poolTimeout: raise its pool, or find what holds the connections',
  silent: 'did not answer a statement in time; the connection was closed',
  lost: 'closed the connection under a statement',
  'not-initialized': 'was given a DataSource that is not initialized; call dataSource.initialize()',
};

/** `E_PARTITION_SHARD_UNKNOWN`: no shard has this id. */
export class UnknownShardError extends DistributedError {
  constructor(id: string, known: readonly string[]) {
    super(
      'E_PARTITION_SHARD_UNKNOWN',
      `There is no shard '${id}'. Known shards: ${known.join(', ')}.`,
      { details: { shard: id } },
    );
  }
}

/** `E_PARTITION_SLOT`: not a slot number, or an id that carries none. */
export class InvalidSlotError extends DistributedError {
  constructor(problem: string) {
    super('E_PARTITION_SLOT', problem);
  }
}

/** `E_PARTITION_ENTITY`: an entity cannot be partitioned as declared. Found at boot. */
export class PartitionEntityError extends DistributedError {
  constructor(entity: string, problem: string) {
    super('E_PARTITION_ENTITY', `${entity}: ${problem}.`, { details: { entity } });
  }
}
