/** Configuration of the inventory service. */
import { Environment } from '@shop/contracts';

/** Everything the service is told from outside. */
export interface InventoryOptions {
  /** Name of this process, for example `inventory-1`. */
  readonly replica: string;
  /** Redis of locks and caches. */
  readonly redisUrl: string;
  /** Redis of the message transport. */
  readonly transportUrl: string;
  /** PostgreSQL. */
  readonly databaseUrl: string;
}

/** Token of `InventoryOptions`. */
export const INVENTORY_OPTIONS = Symbol('shop:inventory-options');

/** Reads REPLICA, REDIS_URL, TRANSPORT_URL and DATABASE_URL. @throws EnvironmentError */
export function inventoryOptions(variables?: NodeJS.ProcessEnv): InventoryOptions {
  const environment = new Environment('inventory', variables);
  return {
    replica: environment.text('REPLICA', 'inventory-1'),
    redisUrl: environment.url('REDIS_URL', 'redis', 'redis://127.0.0.1:6379'),
    transportUrl: environment.url('TRANSPORT_URL', 'redis', 'redis://127.0.0.1:6379'),
    databaseUrl: inventoryDatabaseUrl(variables),
  };
}

/** Reads DATABASE_URL, all that the migrations need. @throws EnvironmentError */
export function inventoryDatabaseUrl(variables?: NodeJS.ProcessEnv): string {
  const environment = new Environment('inventory', variables);
  return environment.url('DATABASE_URL', 'postgres', 'postgres://localhost/shop_inventory');
}
