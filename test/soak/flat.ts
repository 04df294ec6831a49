/** Bytes that were held after this much work since the start. */
export interface Sample {
  readonly work: number;
  readonly bytes: number;
}

export interface Slack {
  /** Bytes by which the samples may grow in all, because measurements are uncertain. */
  readonly bytes: number;
  /** Bytes by which the samples may grow for each unit of work. */
  readonly bytesPerWork: number;
}

export interface Growth {
  /** Bytes of the low samples in the second quarter. */
  readonly from: number;
  /** Bytes of the low samples in the last quarter. */
  readonly to: number;
  readonly allowed: number;
  readonly flat: boolean;
}

const FEWEST = 8;

/**
 * Decides whether memory stays flat while work goes on. Ignores the first quarter, in which caches fill and code is
 * compiled. Uses the low samples of each quarter: memory for requests under way comes and goes, while memory that is
 * never released also raises the low samples.
 * @param samples of one life, in the order of work
 * @returns undefined if there are too few samples
 */
export function growthOf(samples: readonly Sample[], slack: Slack): Growth | undefined {
  if (samples.length < FEWEST) return undefined;
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(-quarter);
  const [from, to] = [low(second), low(last)];
  const work = median(last.map(({ work }) => work)) - median(second.map(({ work }) => work));
  const allowed = slack.bytes + slack.bytesPerWork * work;
  return { from, to, allowed, flat: to - from <= allowed };
}

/** Returns the first quartile of the samples. */
function low(samples: readonly Sample[]): number {
  const sorted = samples.map(({ bytes }) => bytes).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 4)] ?? 0;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new RangeError("the median of nothing");
  return (low + high) / 2;
}
