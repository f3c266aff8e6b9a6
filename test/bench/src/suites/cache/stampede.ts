/** Many callers want one missing value at the same instant. */
import { sharedNow, until } from '../../harness/shared-clock.js';
import type { CacheContender } from './contender.js';
import { source } from './source.js';

/** What is asked of each process. */
export interface StampedeOptions {
  readonly key: string;
  readonly callers: number;
  /** How long the source takes. */
  readonly loadMs: number;
  /** When to begin, on the shared clock. */
  readonly at: number;
}

/** What one process saw. */
export interface StampedeRun {
  readonly startedAt: number;
  /** When the last caller had its answer. */
  readonly endedAt: number;
  readonly factoryCalls: number;
}

/** @throws Error for a caller who got something else than the value */
export async function stampede(
  { read }: CacheContender,
  { key, callers, loadMs, at }: StampedeOptions,
): Promise<StampedeRun> {
  source.delayMs = loadMs;
  const before = source.calls;
  await until(at);
  const startedAt = sharedNow();
  const values = await Promise.all(Array.from({ length: callers }, () => read(key)));
  const endedAt = sharedNow();
  if (!values.every((value) => (value as { id?: unknown } | undefined)?.id === key))
    throw new Error(`a caller of ${key} got another value`);
  return { startedAt, endedAt, factoryCalls: source.calls - before };
}
