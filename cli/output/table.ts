import { styleText } from "node:util";
import Table from "cli-table3";

/** Cells by column; `null` and `undefined` are shown as a dash. */
export type Cell = string | number | boolean | null | undefined;

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
const PLAIN = { head: [], border: [], "padding-left": 0, "padding-right": 2 };

/** Formats rows under a head, without lines, so that `grep` and `awk` can read them too. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const made = new Table({
    chars: NO_LINES,
    style: PLAIN,
    head: head.map((name) => styleText("bold", name)),
  });
  for (const row of rows) made.push(row.map(textOf));
  return trimmed(made.toString());
}

export type Fact = readonly [name: string, value: Cell];

/** Formats one fact a line: name and value. */
export function facts(rows: readonly Fact[]): string {
  const made = new Table({ chars: NO_LINES, style: PLAIN });
  for (const [name, value] of rows) made.push([styleText("dim", name), textOf(value)]);
  return trimmed(made.toString());
}

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "–";
  return typeof cell === "boolean" ? (cell ? "yes" : "no") : onOneLine(String(cell));
}

// Bold, dim, red, green, yellow and their ends: what `words.ts` and the commands put into cells.
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const OUR_STYLE_OR_CONTROL = /(\u001B\[(?:1|2|22|31|32|33|39)m)|[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;

/** Removes line breaks and control characters, so that foreign text can neither fake rows nor control the terminal. */
export function onOneLine(text: string): string {
  return text.replaceAll(OUR_STYLE_OR_CONTROL, (_, style?: string) => style ?? " ");
}

function trimmed(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
