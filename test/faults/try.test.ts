import { expect, it } from "vitest";
import { everyCell, fewCells, runMatrix } from "./matrix.ts";
it("tries", async () => {
  const t = Date.now();
  const only = process.env.ONLY;
  const rounds = (process.env.ALL ? everyCell() : fewCells(Number(process.env.TURN ?? 0))).filter((r) => !only || r.some((c) => `${c.flow} ${c.write} ${c.fault}`.includes(only)));
  const { outcomes, unlisted, never } = await runMatrix(rounds, { lanes: Number(process.env.LANES ?? 2), say: (line) => console.log(((Date.now()-t)/1000).toFixed(1), line) });
  console.log({ unlisted, never });
  expect(outcomes.filter((o) => o.failure)).toEqual([]);
}, 3_000_000);
