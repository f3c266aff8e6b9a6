/** Starts the gateway. */
import { NestFactory } from '@nestjs/core';
import { serve } from '@shop/contracts';
import { serveApiDocs } from './api-docs.js';
import { GatewayModule } from './gateway.module.js';
import { gatewayOptions } from './gateway.options.js';

await serve('gateway', async () => {
  const options = gatewayOptions();
  const app = await NestFactory.create(GatewayModule.register(options), { abortOnError: false });
  serveApiDocs(app);
  await app.listen(options.port, '127.0.0.1');
  return app;
});
