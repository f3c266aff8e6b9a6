/** Checks the counting of commands against the server's own view. */
import { Redis } from 'ioredis';
import type { CommandCounter } from './counting-client.js';

const FENCE = 'bench-fence';

/**
 * Runs `work` under MONITOR, which shows every command and marks those that scripts call.
 * @throws Error when `counter` counted something else than clients sent: no figure would be true
 */
export async function agreesWithMonitor(
  url: string,
  name: string,
  counter: CommandCounter,
  work: () => Promise<void>,
): Promise<void> {
  const control = new Redis(url);
  const monitor = await control.monitor();
  let seen = 0;
  const fenced = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: readonly string[], source: string) => {
      if (args[1] === FENCE) resolve();
      else if (source !== 'lua') seen++;
    });
  });
  const before = counter.total;
  await work();
  const counted = counter.total - before;
  // MONITOR is a stream of its own: it has told everything once it tells this.
  await control.echo(FENCE);
  await fenced;
  monitor.disconnect();
  control.disconnect();
  if (seen !== counted)
    throw new Error(`${name}: counted ${counted} commands, the server received ${seen}`);
}
