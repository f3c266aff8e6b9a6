/** The life of a service process: boot, say ready, stop when asked or orphaned. */
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { EnvironmentError } from './environment.js';

/**
 * Runs `boot` and reports `{ type: 'ready' }` to the parent process, if there is one. SIGTERM and
 * SIGINT stop the service gracefully; so does the end of the parent. A failed boot ends the process
 * with code 1 and says why.
 */
export async function serve(
  name: string,
  boot: () => Promise<INestApplicationContext>,
): Promise<void> {
  const logger = new Logger(name);
  try {
    const app = await boot();
    app.enableShutdownHooks();
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.send?.({ type: 'ready' });
    logger.log('ready');
  } catch (error) {
    logger.fatal(error instanceof EnvironmentError ? error.message : error);
    process.exit(1);
  }
}
