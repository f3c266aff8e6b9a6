/** An application with the partition room alone, a partitioned table, and eyes on each database. */
import type { DynamicModule, INestApplicationContext, Provider, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import pg from 'pg';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { AspectBinder, AspectRuntime } from '../../libs/distributed/src/aspects/index.js';
import { capabilityOptionsToken } from '../../libs/distributed/src/distributed.tokens.js';
import {
  PartitionedAspect,
  PartitionedEntity,
  PartitionModule,
  type PartitionModuleOptions,
  PartitionSlot,
} from '../../libs/distributed/src/partition/index.js';
import { Clock, Random, SystemClock, SystemRandom } from '../../libs/distributed/src/time/index.js';

/** The partitioned entity of the specs. */
@Entity('orders')
@PartitionedEntity({ key: 'customerId' })
export class Order {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'customer_id' })
  customerId: string;

  @Column('int', { default: 1 })
  quantity: number;

  @PartitionSlot()
  _slot: number;
}

/** The table of `Order`. */
export const ORDERS_TABLE = `CREATE TABLE orders (
  id text PRIMARY KEY, customer_id text NOT NULL, quantity int NOT NULL DEFAULT 1, _slot int NOT NULL)`;

class CoreModule {}
class HostModule {}

/** What DistributedModule is to the room: global, with core services, a runtime and the binder. */
export function partitionModule(options: PartitionModuleOptions): DynamicModule {
  const core: DynamicModule = {
    module: CoreModule,
    providers: [
      { provide: Clock, useClass: SystemClock },
      { provide: Random, useClass: SystemRandom },
      { provide: capabilityOptionsToken('partition'), useValue: options },
    ],
    exports: [Clock, Random, capabilityOptionsToken('partition')],
  };
  const room = PartitionModule.register(core);
  const feature = PartitionModule.forFeature(options.entities ?? []);
  return {
    module: HostModule as Type,
    global: true,
    imports: [room, feature],
    providers: [
      {
        provide: AspectRuntime,
        useFactory: (aspect: PartitionedAspect) => new AspectRuntime([aspect]),
        inject: [PartitionedAspect],
      },
      AspectBinder,
    ],
    exports: [AspectRuntime, room, feature],
  };
}

/** Boots an application; `close()` ends it as a shutdown does. */
export async function partitionApp(
  options: PartitionModuleOptions,
  providers: Provider[] = [],
  imports: Type[] = [],
): Promise<INestApplicationContext> {
  const module = await Test.createTestingModule({
    imports: [partitionModule(options), ...imports],
    providers,
  })
    .setLogger({ log() {}, warn() {}, error() {}, debug() {}, verbose() {} })
    .compile();
  return module.init();
}

/** Runs SQL on a connection of its own: what a test asserts does not pass through the library. */
export async function sql<T extends object = Record<string, unknown>>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}
