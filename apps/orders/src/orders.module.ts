/** Wires the orders service. */
import { type DynamicModule, Module } from '@nestjs/common';
import { MessagingModule } from '@shop/contracts';
import { DistributedModule, NetworkErrors } from 'nestjs-distributed';
import { CustomerOrdersController } from './customer-orders.controller.js';
import { NaiveCustomerOrdersController } from './customer-orders.naive.controller.js';
import { shardEntities } from './data-source.js';
import { NaiveShards } from './naive-shards.service.js';
import { OrderDesk } from './order-desk.service.js';
import { OrdersController } from './orders.controller.js';
import { NaiveOrdersController } from './orders.naive.controller.js';
import { ORDERS_OPTIONS, type OrdersOptions } from './orders.options.js';

/** Orders on shards, protected and naive. */
@Module({})
export class OrdersModule {
  static register(options: OrdersOptions): DynamicModule {
    const { replica, transportUrl, shards } = options;
    return {
      module: OrdersModule,
      imports: [
        DistributedModule.forRoot({
          transaction: {},
          partition: { shards, entities: shardEntities, poolTimeout: '2s' },
        }),
        MessagingModule.register({
          replica,
          transportUrl,
          classify: (error) => NetworkErrors.classify(error),
        }),
      ],
      controllers: [
        CustomerOrdersController,
        NaiveCustomerOrdersController,
        OrdersController,
        NaiveOrdersController,
      ],
      providers: [{ provide: ORDERS_OPTIONS, useValue: options }, OrderDesk, NaiveShards],
    };
  }
}
