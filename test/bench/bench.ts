import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { volumePage } from "./page.ts";
import { Bench, bytesOfEach, compareVolumes, FULL, SMALL } from "./volume.ts";

/** More rounds would use up the small chain head's pending transactions. */
const MOST_ROUNDS = 45;

/**
 * `npm run bench -- volume [rounds]`: measures the costs of a full and a small chain head, and writes them to
 * docs/benchmarks.md.
 */
const [what, rounds = String(MOST_ROUNDS)] = process.argv.slice(2);
if (what !== "volume" || !/^[1-9]\d?$/.test(rounds) || Number(rounds) > MOST_ROUNDS) {
  console.error(`usage: npm run bench -- volume [rounds, at most ${MOST_ROUNDS}]`);
  process.exit(2);
}
const bench = new Bench();
try {
  const compared = await compareVolumes(bench, SMALL, FULL, Number(rounds), console.log);
  const page = join(ROOT, "docs", "benchmarks.md");
  writeFileSync(page, volumePage(compared, await bytesOfEach(bench), Number(rounds)));
  execFileSync(join(ROOT, "node_modules", ".bin", "oxfmt"), [page]);
  console.log(`written: ${page}`);
} finally {
  await bench.close();
}
