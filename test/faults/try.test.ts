import { expect, it } from "vitest";
import { everyCell, fewCells, runMatrix } from "./matrix.ts";
it("tries", async () => {
  const t = Date.now();
  const only = process.env.ONLY;
  const rounds = (process.env.ALL ? everyCell() : fewCells(Number(process.env.TURN ?? 0))).filter(
    (r) => !only || r.some((c) => `${c.flow} ${c.write} ${c.fault}`.includes(only)),
  );
  const { outcomes, unlisted, never } = await runMatrix(rounds, {
    passes: process.env.ALL ? ["alone", "in_company"] : ["in_company"],
    lanes: Number(process.env.LANES ?? 2),
    say: (line) => console.log(((Date.now() - t) / 1000).toFixed(1), line),
  });
  console.log({ unlisted, never });
  for (const o of outcomes)
    if (o.failure)
      console.log(
        o.write,
        o.fault,
        o.failure,
        o.trace
          ?.split("\n")
          .slice(-Number(process.env.TR ?? 60))
          .join("\n"),
      );
  expect(outcomes.filter((o) => o.failure).map((o) => o.write + o.fault)).toEqual([]);
}, 3_000_000);
