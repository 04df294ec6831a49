/** What something held when so much work had been done since it was started. */
export interface Sample {
  readonly work: number;
  readonly bytes: number;
}

export interface Slack {
  /** Bytes by which it may seem to grow, whatever the work: what a measurement is uncertain by. */
  readonly bytes: number;
  /** Bytes that may seem to stay of each unit of work. */
  readonly bytesPerWork: number;
}

export interface Growth {
  /** Of the low samples of the second quarter. */
  readonly from: number;
  /** Of the low samples of the last quarter. */
  readonly to: number;
  readonly allowed: number;
  readonly flat: boolean;
}

const FEWEST = 8;

/**
 * Whether what was held stayed the same while the work went on. The first quarter is not looked at: caches fill and code is
 * compiled in it. Of each quarter the low samples count: what requests under way hold
 * comes on top and goes again, what is kept for ever lifts the low ones too.
 * @param samples of one life of the thing, in the order of its work
 * @returns undefined when there are too few to tell
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

/** Below it is a quarter of the samples, above it are three. */
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
