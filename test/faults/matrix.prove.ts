import { expect, it } from "vitest";
import { FAULTS } from "./fault.ts";
import { fewCells, runMatrix } from "./matrix.ts";

const LANES = 4; // a cell mostly waits
/** Another turn gives each write another fault. `node test/faults/run.ts` gives each write every fault. */
const TURN = Number(process.env.VDC_FAULTS_TURN ?? 0);

it("gets over a fault at every write, with the chain whole in every tier and nothing lost", async () => {
  const rounds = fewCells(TURN);
  expect(new Set(rounds.flat().map(({ fault }) => fault))).toEqual(new Set(FAULTS));
  const { outcomes, unlisted, never } = await runMatrix(rounds, { lanes: LANES, passes: ["in_company"] });
  const failures = outcomes.filter(({ failure }) => failure !== undefined);
  for (const { trace } of failures.slice(0, 3)) console.log(trace);
  expect(
    failures.map(({ flow, write, fault, failure }) => `${flow}: ${write} · ${fault}: ${failure}`),
  ).toEqual([]);
  expect(unlisted, "writes that are done and do not stand in test/faults/listed.ts").toEqual([]);
  expect(never, "writes that stand in test/faults/listed.ts and are never done").toEqual([]);
});
