import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../cli/local/workers.ts";
import { everyCell, runMatrix } from "./matrix.ts";
import { faultsPage } from "./table.ts";

/**
 * `node test/faults/run.ts [words of a write]`: every write with every fault, or those whose name has these words. The whole
 * run writes `docs/faults.md`.
 */
const words = process.argv.slice(2).join(" ");
const rounds = everyCell().filter(([{ flow, write, fault }]) => `${flow} ${write} ${fault}`.includes(words));
const { outcomes, unlisted, never } = await runMatrix(rounds, {
  lanes: Math.max(2, Math.min(6, availableParallelism() * 2)),
  passes: ["alone", "in_company"],
  say: console.log,
});
const failed = outcomes.filter(({ failure }) => failure !== undefined);
for (const { flow, write, fault, failure, trace } of failed)
  console.log(`\n${flow}: ${write} · ${fault}: ${failure}\n${trace}`);
if (words === "") {
  writeFileSync(join(ROOT, "docs", "faults.md"), faultsPage(outcomes));
  for (const name of unlisted) console.log(`not listed in test/faults/listed.ts: ${name}`);
  for (const name of never) console.log(`listed, and never done: ${name}`);
}
console.log(`${outcomes.length} cells, ${failed.length} failed`);
const isWhole = words !== "" || (unlisted.length === 0 && never.length === 0);
process.exitCode = failed.length === 0 && isWhole ? 0 : 1;
