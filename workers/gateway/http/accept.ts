/**
 * Chooses the offered media type that the caller likes best: RFC 9110 §12.5.1. Equal ones, and those of a caller who likes none,
 * go by the order of the offer.
 * @param accept value of the `accept` header; null: the caller takes any
 * @param offered media types without parameters, the default first
 */
export function preferredType<const Type extends string>(
  accept: string | null,
  offered: readonly [Type, ...Type[]],
): Type {
  const ranges = (accept ?? "*/*").split(",").map(rangeOf);
  let [best] = offered;
  let most = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > most) [best, most] = [type, quality];
  }
  return best;
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function rangeOf(text: string): MediaRange {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const [, quality = "1"] = parameters.flatMap((part) => /^q=(\d(?:\.\d{0,3})?)$/.exec(part) ?? []);
  return { type, quality: Math.min(1, Number(quality)) };
}

/** The most specific range that fits decides. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const [family = ""] = type.split("/");
  for (const range of [type, `${family}/*`, "*/*"]) {
    const fitting = ranges.filter((candidate) => candidate.type === range);
    if (fitting.length > 0) return Math.max(...fitting.map(({ quality }) => quality));
  }
  return 0;
}
