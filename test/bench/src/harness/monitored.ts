/** Commands that a server receives from anybody, whatever client library sends them. */
import { Redis } from 'ioredis';

const FENCE = 'bench-monitored-fence';

/**
 * Runs `work` under MONITOR and tells the commands that clients sent, without those of scripts. Slows
 * the server down: no time is true meanwhile.
 */
export async function monitored(url: string, work: () => Promise<unknown>): Promise<string[][]> {
  const control = new Redis(url);
  const monitor = await control.monitor();
  const seen: string[][] = [];
  const fenced = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (args[1] === FENCE) resolve();
      else if (source !== 'lua') seen.push(args);
    });
  });
  await work();
  // MONITOR is a stream of its own: it has told everything once it tells this.
  await control.echo(FENCE);
  await fenced;
  monitor.disconnect();
  control.disconnect();
  return seen;
}
