/** The life of a service process: boot, say ready, stop when asked or orphaned. */
import { type INestApplicationContext, Logger } from '@nestjs/common';

/**
 * Runs `boot` and reports `{ type: 'ready' }` to the parent process, if there is one. SIGTERM and
 * SIGINT stop the service gracefully; so does the end of the parent. A failed boot ends the process
 * with code 1 and one clear line.
 */
export async function serve(name: string, boot: () => Promise<INestApplicationContext>) {
  const logger = new Logger(name);
  try {
    const app = await boot();
    app.enableShutdownHooks();
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.send?.({ type: 'ready' });
    logger.log('ready');
  } catch (error) {
    logger.fatal(error instanceof Error ? error.message : error);
    logger.debug(error instanceof Error ? error.stack : undefined);
    process.exit(1);
  }
}
