/**
 * Counts observations by their size. A histogram stores its own bounds, so that a stored one stays right when the code's
 * bounds change.
 */
export interface Histogram {
  /** Ascending. A bucket counts the values up to and including its bound. */
  readonly bounds: readonly number[];
  /** Count of each bucket alone, not cumulative. The last bucket counts the values above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export function emptyHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
}

export function withObservations(histogram: Histogram, values: readonly number[]): Histogram {
  const { bounds } = histogram;
  const counts = [...histogram.counts];
  let { sum } = histogram;
  for (const value of values) {
    const bucket = bounds.findIndex((bound) => value <= bound);
    const at = bucket < 0 ? bounds.length : bucket;
    counts[at] = (counts[at] ?? 0) + 1;
    sum += value;
  }
  return { bounds, counts, sum };
}
