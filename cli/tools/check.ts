import { spawnSync } from "node:child_process";
import { ROOT } from "../local/stack/workers.ts";

/** `npm run check`: types, lint, format, comments. All always run, so that one run shows every fault. */
const CHECKS = {
  types: "tsc --noEmit",
  lint: "oxlint --type-aware --deny-warnings",
  format: "oxfmt --check .",
  comments: "node cli/tools/comments.ts",
} as const;

const failed = Object.entries(CHECKS).filter(([name, command]) => {
  console.log(`── ${name}: ${command}`);
  const [program = "", ...args] = command.split(" ");
  const { status, error } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error) console.error(`${program} could not be started: ${error.message}`);
  return status !== 0;
});

const names = failed.map(([name]) => name).join(", ");
console.log(
  failed.length === 0 ? "── types, lint, format and comments are in order" : `── not in order: ${names}`,
);
if (names.includes("format")) console.log("   `npm run format` puts the format in order");
process.exitCode = failed.length === 0 ? 0 : 1;
