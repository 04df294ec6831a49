/** A list call of a key-value store: keys whose number begins with `digits`. It lists `all` of them, or only the first. */
export interface Listing {
  readonly digits: string;
  readonly all: boolean;
}

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const KEYS_A_PAGE = 1_000;

/**
 * Returns the cheapest list calls that show blocks `from` to `end` − 1 of a chain with `total` blocks. Keys hold plain decimal
 * numbers, so a list is in the order of text (1, 10, 100, 11, 2): numbers of one length stand together only with the longer ones
 * that begin with the same digits. The first key with a prefix is the number that is the prefix itself.
 */
export function listingPlan(from: number, end: number, total: number): readonly Listing[] {
  return from >= end ? [] : cover("", from, end, total);
}

/** Cost of a plan, in pages of up to 1,000 keys. */
export function pagesOf(plan: readonly Listing[], total: number): number {
  return plan.reduce((sum, { digits, all }) => sum + (all ? pages(digits, total) : 1), 0);
}

function cover(digits: string, from: number, end: number, total: number): readonly Listing[] {
  if (!overlaps(digits, from, end, total)) return [];
  const whole = [{ digits, all: true }];
  if (pages(digits, total) <= 1) return whole;
  const own = digits !== "" && Number(digits) >= from && Number(digits) < end ? [{ digits, all: false }] : [];
  const children = digits === "0" ? [] : DIGITS;
  const parts = [...own, ...children.flatMap((digit) => cover(digits + digit, from, end, total))];
  return pagesOf(parts, total) < pages(digits, total) ? parts : whole;
}

function pages(digits: string, total: number): number {
  return Math.max(1, Math.ceil(countWith(digits, total) / KEYS_A_PAGE));
}

/** Yields the ranges of numbers below `total` that begin with `digits`, one range for each length. */
function* runs(digits: string, total: number): Generator<readonly [number, number]> {
  if (digits === "") yield [0, total];
  else if (digits === "0") yield [0, Math.min(1, total)];
  else
    for (let scale = 1; Number(digits) * scale < total; scale *= 10)
      yield [Number(digits) * scale, Math.min((Number(digits) + 1) * scale, total)];
}

function countWith(digits: string, total: number): number {
  return [...runs(digits, total)].reduce((sum, [first, after]) => sum + after - first, 0);
}

function overlaps(digits: string, from: number, end: number, total: number): boolean {
  return [...runs(digits, total)].some(([first, after]) => first < end && after > from);
}
