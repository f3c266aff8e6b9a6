/** Starts one replica of the payments service. */
import { NestFactory } from '@nestjs/core';
import { serve, ShopRedisServer } from '@shop/contracts';
import { PaymentsModule } from './payments.module.js';
import { paymentsOptions } from './payments.options.js';

await serve('payments', async () => {
  const options = paymentsOptions();
  const app = await NestFactory.createMicroservice(PaymentsModule.register(options), {
    strategy: new ShopRedisServer({ url: options.transportUrl }),
    abortOnError: false,
  });
  await app.listen();
  return app;
});
