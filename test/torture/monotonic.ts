/** The one clock that several processes of a machine can compare. */

/** Milliseconds on the system's monotonic clock: the same for all processes, untouched by `Date`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
