import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../cli/local/stack/workers.ts";
import { BLOCK_MOVES, STAGE_AFTER, TRANSACTION_MOVES, type Move } from "../../../shared/chain/states.ts";

/** `node test/unit/docs/state-pictures.ts` redraws the pictures of docs/design.md. */
export const DESIGN = join(ROOT, "docs", "design.md");

type Pictured = Move<string> & { readonly stage?: string };

/** Draws the moves as a Mermaid diagram. A move by a stage's report names the stage. */
function pictureOf(moves: readonly Pictured[]): string {
  const arrows = moves.map(({ from, to, by, stage }) => {
    const cause = stage === undefined ? by : `${by} (${stage})`;
    return `  ${from ?? "[*]"} --> ${to ?? "[*]"}: ${cause}`;
  });
  return ["```mermaid", "stateDiagram-v2", ...arrows, "```"].join("\n");
}

const onward = BLOCK_MOVES.map((move): Pictured => {
  const stage = move.from !== null && move.to !== null ? STAGE_AFTER[move.from] : undefined;
  return stage === undefined ? move : { ...move, stage };
});

const PICTURES: Readonly<Record<string, string>> = {
  "states of a transaction": pictureOf(TRANSACTION_MOVES),
  "states of a block": pictureOf(onward),
};

/** Returns the document with each picture between its two marks. @throws Error when the document lacks a mark */
export function withPictures(document: string): string {
  return Object.entries(PICTURES).reduce((text, [name, picture]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before, rest, ...more] = text.split(start);
    const [, after, ...others] = rest?.split(end) ?? [];
    if (before === undefined || after === undefined || more.length + others.length > 0)
      throw new Error(`docs/design.md needs ${start} once, and ${end} once behind it`);
    return `${before}${start}\n\n${picture}\n\n${end}${after}`;
  }, document);
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(DESIGN, withPictures(readFileSync(DESIGN, "utf8")));
