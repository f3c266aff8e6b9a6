/** The inventory's database: entities and migrations, never `synchronize`. */
import type { DataSourceOptions } from 'typeorm';
import { CreateInventory1700000000000 } from './migrations/1700000000000-create-inventory.js';
import { FencePurchases1700000000001 } from './migrations/1700000000001-fence-purchases.js';
import { LateHolder } from './late-holder.entity.js';
import { PriceLoad } from './price-load.entity.js';
import { Product } from './product.entity.js';
import { Purchase } from './purchase.entity.js';

/** Options of the TypeORM `DataSource`; `replica` names its sessions on the server. */
export function inventoryDataSource(url: string, replica = 'inventory'): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: replica,
    entities: [Product, Purchase, PriceLoad, LateHolder],
    migrations: [CreateInventory1700000000000, FencePurchases1700000000001],
    connectTimeoutMS: 3_000,
  };
}
