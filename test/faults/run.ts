import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { FAULTS } from "./fault.ts";
import { everyCell, fewCells, runMatrix } from "./matrix.ts";
import { record, recordedOutcomes } from "./record.ts";
import { faultsPage, withSummary } from "./table.ts";

/**
 * `npm run faults [-- words of a write]`: tries every fault at every write, one write of each Worker at a time. With words, tries
 * each cell by itself whose name contains them. The outcomes go into `test/faults/outcomes.json`, their summary into
 * `docs/proving.md`, and the whole table into `.faults/faults.md`.
 */
const words = process.argv.slice(2).join(" ");
const rounds =
  words === ""
    ? FAULTS.flatMap((_, turn) => fewCells(turn, 1))
    : everyCell().filter(([{ flow, write, fault }]) => `${flow}: ${write} · ${fault}`.includes(words));
const { outcomes, unlisted, never } = await runMatrix(rounds, {
  lanes: Math.max(2, Math.min(6, availableParallelism() * 2)),
  passes: ["alone", "in_company"],
  say: console.log,
});
const failed = outcomes.filter(({ failure }) => failure !== undefined);
for (const { flow, write, fault, failure, trace } of failed)
  console.log(`\n${flow}: ${write} · ${fault}: ${failure}\n${trace}`);
for (const name of unlisted) console.log(`not listed in test/faults/listed.ts: ${name}`);
if (words === "") for (const name of never) console.log(`listed, and never done: ${name}`);
record(words === "" ? outcomes : [...recordedOutcomes(), ...outcomes]);
const [page, proving] = [join(ROOT, ".faults", "faults.md"), join(ROOT, "docs", "proving.md")];
const recorded = recordedOutcomes();
mkdirSync(dirname(page), { recursive: true });
writeFileSync(page, faultsPage(recorded));
writeFileSync(proving, withSummary(readFileSync(proving, "utf8"), recorded));
execFileSync(join(ROOT, "node_modules", ".bin", "oxfmt"), [proving]);
console.log(`each cell stands in ${page}`);
const minutes = Math.ceil(performance.now() / 60_000);
console.log(`${outcomes.length} cells in ${minutes} minutes, ${failed.length} failed`);
const isWhole = unlisted.length === 0 && (words !== "" || never.length === 0);
process.exitCode = failed.length === 0 && isWhole ? 0 : 1;
