/** How many observations were how large. It keeps its own bounds, so that a stored one stays true when code changes. */
export interface Histogram {
  /** Ascending; a bucket takes what is at most its bound. */
  readonly bounds: readonly number[];
  /** Of each bucket for itself, not cumulative; the last one takes what is above every bound. */
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
