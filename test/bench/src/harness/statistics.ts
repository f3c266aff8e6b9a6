/** What many measurements say: medians, percentiles, figures a person can read. */

/**
 * The value that `share` of all values do not exceed (nearest rank), so always one that was measured.
 * @param share 0.5 for the median, 1 for the largest
 * @throws RangeError for no values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError('no values were measured');
  return value;
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return (percentile(values, 0.5) + percentile(values, 0.5 + 1 / values.length / 2)) / 2;
}

/** The median of what each round says, which a noisy round cannot shift: `a[i] / b[i]`. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.slice(0, b.length).map((value, round) => value / (b[round] as number)));
}

/** Three significant digits, and never less than whole numbers. */
export function rounded(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 100) return Math.round(value);
  return Number(value.toPrecision(3));
}

/** How many neighbours came out of order. */
export function inversions(order: readonly number[]): number {
  return order.filter((value, index) => index > 0 && value < (order[index - 1] as number)).length;
}
