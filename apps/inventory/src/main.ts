/** Starts one replica of the inventory service. */
import { NestFactory } from '@nestjs/core';
import { serve, ShopRedisServer } from '@shop/contracts';
import { InventoryModule } from './inventory.module.js';
import { inventoryOptions } from './inventory.options.js';

await serve('inventory', async () => {
  const options = inventoryOptions();
  const app = await NestFactory.createMicroservice(InventoryModule.register(options), {
    strategy: new ShopRedisServer({ url: options.transportUrl }),
    abortOnError: false,
  });
  await app.listen();
  return app;
});
