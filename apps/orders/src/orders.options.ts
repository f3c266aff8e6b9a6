/** Configuration of the orders service. */
import { Environment } from '@shop/contracts';

/** A database that owns some of the customers. */
export interface ShardOptions {
  readonly id: string;
  readonly url: string;
}

/** Everything the service is told from outside. */
export interface OrdersOptions {
  /** Name of this process, for example `orders-1`. */
  readonly replica: string;
  /** Redis of the message transport. */
  readonly transportUrl: string;
  /** In the order that decides who owns which slots. */
  readonly shards: readonly ShardOptions[];
}

/** Token of `OrdersOptions`. */
export const ORDERS_OPTIONS = Symbol('shop:orders-options');

/** Reads REPLICA, TRANSPORT_URL and SHARD_URLS. @throws EnvironmentError */
export function ordersOptions(variables?: NodeJS.ProcessEnv): OrdersOptions {
  const environment = new Environment('orders', variables);
  return {
    replica: environment.text('REPLICA', 'orders-1'),
    transportUrl: environment.url('TRANSPORT_URL', 'redis', 'redis://127.0.0.1:6379'),
    shards: ordersShards(variables),
  };
}

/** Reads SHARD_URLS, all that the migrations need. @throws EnvironmentError */
export function ordersShards(variables?: NodeJS.ProcessEnv): ShardOptions[] {
  const example = 's1=postgres://localhost/shop_orders,s2=postgres://127.0.0.1:5433/shop_orders';
  return new Environment('orders', variables).namedUrls('SHARD_URLS', 'postgres', example);
}
