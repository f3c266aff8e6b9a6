/** Durations as users write them. */
import { InvalidOptionsError } from '../distributed.errors.js';

/** `'250ms' | '5s' | '2m' | '1h' | '1d'`, or a number of milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, or `undefined` when `value` is not a non-negative finite duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
  return match ? Number(match[1]) * (UNITS[match[2] as string] as number) : undefined;
}

/**
 * Milliseconds of a duration.
 * @throws InvalidOptionsError `E_OPTIONS_INVALID` when it is not one
 */
export function toMs(value: Duration, path = 'duration'): number {
  const ms = parseDuration(value);
  if (ms === undefined) {
    throw new InvalidOptionsError(
      path,
      `expected a duration such as '250ms', '5s', '2m' or milliseconds, received ${JSON.stringify(value)}`,
    );
  }
  return ms;
}
