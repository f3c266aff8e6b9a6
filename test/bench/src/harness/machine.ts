/** What a measurement was made on. */
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Facts beside figures. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGiB: number;
  readonly platform: string;
  /** Runnable processes at the start, over the last minute: above `processors`, times say little. */
  readonly load: number;
  readonly node: string;
  readonly ioredis: string;
  readonly redis: string;
  readonly startedAt: string;
}

/** This machine. */
export function describeMachine(redis: string): Machine {
  const ioredis = createRequire(import.meta.url)('ioredis/package.json') as { version: string };
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    load: loadavg()[0] ?? 0,
    node: process.version,
    ioredis: ioredis.version,
    redis,
    startedAt: new Date().toISOString(),
  };
}
