/** Starts one replica of the orders service. */
import { NestFactory } from '@nestjs/core';
import { serve, ShopRedisServer } from '@shop/contracts';
import { OrdersModule } from './orders.module.js';
import { ordersOptions } from './orders.options.js';

await serve('orders', async () => {
  const options = ordersOptions();
  const app = await NestFactory.createMicroservice(OrdersModule.register(options), {
    strategy: new ShopRedisServer({ url: options.transportUrl }),
    abortOnError: false,
  });
  await app.listen();
  return app;
});
