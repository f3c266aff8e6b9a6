/** How long a value is fresh, and how long it may be served after that. */

/** The durations a value was stored with, in milliseconds. */
export interface StaleTimes {
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** Ends of the phases of a value's life, on the monotonic clock of this process. */
export interface Lifetime {
  readonly freshUntil: number;
  /** Until then it may be served at once while somebody loads a new one. */
  readonly staleUntil: number;
  /** Until then it may be served when loading a new one fails. */
  readonly errorUntil: number;
}

/** How long Redis keeps a value that is fresh for `ttlMs`. The stale times are added, not taken off. */
export function storedFor(ttlMs: number, stale: StaleTimes): number {
  return Math.max(1, Math.ceil(ttlMs + graceOf(stale)));
}

/** The phases of a value of which Redis said at `at` that it keeps it for `remainingMs`. */
export function lifetimeOf(stale: StaleTimes, remainingMs: number, at: number): Lifetime {
  return startingWith(at + remainingMs - graceOf(stale), stale);
}

/**
 * The same for a value that counts as stale at `at`, whatever was left of its fresh time. Nobody knows
 * since when, so its stale times still end when they would have.
 */
export function staleAt(stale: StaleTimes, lifetime: Lifetime, at: number): Lifetime {
  const freshUntil = Math.min(lifetime.freshUntil, at);
  return {
    freshUntil,
    staleUntil: stale.staleWhileRevalidate > 0 ? lifetime.staleUntil : freshUntil,
    errorUntil: stale.staleIfError > 0 ? lifetime.errorUntil : freshUntil,
  };
}

/** The phases of a value that is fresh until then. */
export function startingWith(freshUntil: number, stale: StaleTimes): Lifetime {
  return {
    freshUntil,
    staleUntil: freshUntil + stale.staleWhileRevalidate,
    errorUntil: freshUntil + stale.staleIfError,
  };
}

function graceOf({ staleWhileRevalidate, staleIfError }: StaleTimes): number {
  return Math.max(staleWhileRevalidate, staleIfError);
}
