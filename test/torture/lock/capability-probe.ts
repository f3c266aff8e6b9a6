/** Whether the library under test has what a torture needs. */
import { RedisServer } from '#servers';
import type { TortureSettings } from '../torture.js';
import { Arena } from './arena.js';
import type { LockGround } from './lock-ground.js';

/** What is tried. */
export interface Probe {
  /** Options of the module. */
  readonly lock: Readonly<Record<string, unknown>>;
}

/** False when an option is refused. */
export async function supports(
  ground: LockGround,
  settings: TortureSettings,
  { lock }: Probe,
): Promise<boolean> {
  await using redis = await RedisServer.start();
  const lockRedis = { url: redis.url };
  try {
    await using arena = await Arena.open(ground, settings, {
      workers: 1,
      redis: () => lockRedis,
      settings: { lock },
    });
    return arena.workers.length === 1;
  } catch (error) {
    if (/E_OPTIONS_INVALID|InvalidOptionsError/.test(String(error))) return false;
    throw error;
  }
}
