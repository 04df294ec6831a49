import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's packages `spin` and `gcc`. */
const SPIN = "/usr/bin/spin";
const CC = "/usr/bin/cc";
export const CAN_SEARCH = existsSync(SPIN) && existsSync(CC);

const MOST_MEGABYTES = 900;
const DEEPEST = 200_000;

/** `violation`: what Spin found first, `undefined` when every state keeps the promises. */
interface Search {
  readonly violation: string | undefined;
  readonly states: number;
}

/**
 * Searches every state that a model can reach.
 * @param flags for the preprocessor, without `-D`
 * @param optimize how much the compiler does: `-O1` for a search of millions of states, `-O0` for one that ends soon
 * @throws Error when the search was not complete: too deep, out of memory, or the model does not compile
 */
export function search(path: string, flags: readonly string[], optimize: "-O0" | "-O1" = "-O1"): Search {
  const directory = mkdtempSync(join(tmpdir(), "vdc-model-"));
  const run = (file: string, given: readonly string[]) =>
    execFileSync(file, given, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  try {
    copyFileSync(path, join(directory, "model.pml"));
    run(SPIN, [...flags.map((flag) => `-D${flag}`), "-a", "model.pml"]);
    const settings = ["COLLAPSE", "SAFETY", "NOFAIR", "VECTORSZ=2048", `MEMLIM=${MOST_MEGABYTES}`];
    run(CC, [optimize, "-w", ...settings.map((setting) => `-D${setting}`), "-o", "pan", "pan.c"]);
    return resultOf(run(join(directory, "pan"), [`-m${DEEPEST}`]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function resultOf(output: string): Search {
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const violation = /^pan:\d+: (.*)$/m.exec(output)?.[1];
  const isIncomplete = /max search depth too small|out of memory|aborting/.test(output);
  if (errors === undefined || isIncomplete || (errors !== "0") !== (violation !== undefined))
    throw new Error(`the search was not complete:\n${output}`);
  const states = Number(/(\d+)(?:e\+\d+)? states, stored/.exec(output)?.[1] ?? 0);
  return { violation, states };
}
