/** Whether the library under test has what a torture needs. */
import { RedisServer } from '#servers';
import type { TortureSettings } from '../torture.js';
import { Arena } from './arena.js';
import type { LockGround } from './lock-ground.js';
import type { LockOptions } from './worker-contract.js';

/** What is tried. */
export interface Probe {
  /** Options of the module. */
  readonly lock?: Readonly<Record<string, unknown>>;
  /** Options of a call. */
  readonly options?: LockOptions;
  /** A method of `LockService`. */
  readonly method?: string;
}

/** False when an option is refused or the method is missing. */
export async function supports(
  ground: LockGround,
  settings: TortureSettings,
  { lock = {}, options, method }: Probe,
): Promise<boolean> {
  await using redis = await RedisServer.start();
  const lockRedis = { url: redis.url };
  try {
    await using arena = await Arena.open(ground, settings, {
      workers: 1,
      redis: () => lockRedis,
      settings: { lock },
    });
    const [worker] = arena.workers;
    if (options) await worker?.call('tryOptions', options);
    return !method || (await worker?.call('hasMethod', method)) === true;
  } catch (error) {
    if (/E_OPTIONS_INVALID|InvalidOptionsError/.test(String(error))) return false;
    throw error;
  }
}
