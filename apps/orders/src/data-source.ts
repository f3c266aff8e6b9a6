/** A shard of the orders: entities and migrations, never `synchronize`. */
import type { DataSourceOptions } from 'typeorm';
import { CreateOrders1700000000000 } from './migrations/1700000000000-create-orders.js';
import { OrderPayment } from './order-payment.entity.js';
import { Order } from './order.entity.js';
import { StockMovement } from './stock-movement.entity.js';

/** Everything whose rows lie on the shards. */
export const shardEntities = [Order, StockMovement, OrderPayment];

/** Options of the `DataSource` that migrates a shard. */
export function shardDataSource(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: shardEntities,
    migrations: [CreateOrders1700000000000],
    connectTimeoutMS: 3_000,
  };
}
