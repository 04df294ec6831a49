import { styleText } from "node:util";

/** `1 block`, `2,000 blocks` */
export function counted(count: number, noun: string): string {
  return `${wholeNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}

export function wholeNumber(count: number): string {
  return count.toLocaleString("en");
}

/** `42 s`, `3 min`, `5 h`, `2 d` */
export function age(seconds: number | null | undefined): string | null {
  if (seconds === null || seconds === undefined) return null;
  const units = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
  ] as const;
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** @param milliseconds the duration */
export function duration(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : String(age(milliseconds / 1_000));
}

/** @param milliseconds since the epoch */
export function time(milliseconds: number | null | undefined): string | null {
  if (milliseconds === null || milliseconds === undefined) return null;
  return new Date(milliseconds).toISOString().replace(".000Z", "Z");
}

export function byteCount(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A sign and a word, so that the meaning never depends on colour alone. */
export function mark(isGood: boolean): string {
  return isGood ? styleText("green", "✓") : styleText("red", "✗");
}
