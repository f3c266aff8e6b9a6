/** The adapters between rooms: each port is declared by the room that needs it, and filled here. */
import type { DynamicModule } from '@nestjs/common';
import { CacheTransactionPort } from './cache/index.js';
import { currentLocks, fencedSql } from './lock/index.js';
import { PartitionService } from './partition/index.js';
import { FencePort, ShardPort, TransactionService } from './transaction/index.js';

/** Tells the transaction room which database the call was routed to. */
export function transactionShardPort(partition: DynamicModule): DynamicModule {
  return {
    module: class TransactionShardPortModule {},
    imports: [partition],
    providers: [
      {
        provide: ShardPort,
        inject: [PartitionService],
        useFactory: (partitions: PartitionService): ShardPort => ({
          current: () => partitions.current()?.dataSource,
          all: () => partitions.dataSources().values(),
        }),
      },
    ],
    exports: [ShardPort],
  };
}

/** Gives transactions the fences of the locks around them. */
export function transactionFencePort(): DynamicModule {
  return {
    module: class TransactionFencePortModule {},
    providers: [
      {
        provide: FencePort,
        useValue: {
          current: (table) =>
            currentLocks()
              // One order for everybody: two transactions never wait for each other's fences in a ring.
              .toSorted((a, b) => (a.key < b.key ? -1 : 1))
              .map((lock) => {
                const fence = fencedSql(lock, table ? { table } : {});
                return { lock, enter: (executor) => fence.enter(executor) };
              }),
        } satisfies FencePort,
      },
    ],
    exports: [FencePort],
  };
}

/** Lets the cache wait for the commit of an outer transaction. */
export function cacheTransactionPort(transaction: DynamicModule): DynamicModule {
  return {
    module: class CacheTransactionPortModule {},
    imports: [transaction],
    providers: [
      {
        provide: CacheTransactionPort,
        inject: [TransactionService],
        useFactory: (transactions: TransactionService): CacheTransactionPort => ({
          current: () => transactions.identity(),
          afterCommit: (callback) => transactions.onAfterCommit(callback),
        }),
      },
    ],
    exports: [CacheTransactionPort],
  };
}
