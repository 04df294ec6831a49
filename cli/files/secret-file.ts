import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { note } from "../output/show.ts";
import { isOfTheSystem, whyNot } from "./why-not.ts";

/**
 * Writes what must stay secret into a new file that only its owner may read, and warns where git would take it up. What is there
 * already is never touched.
 * @param isThere what is said then
 * @throws CommandFailure
 */
export function writeSecretFile(file: string, text: string, isThere: string): void {
  try {
    writeFileSync(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (isOfTheSystem(error) && error.code === "EEXIST") throw new CommandFailure(isThere, EXIT.refused);
    throw new CommandFailure(`${file} can't be written, for ${whyNot(error)}: choose another place`);
  }
  if (isSeenByGit(file))
    note(
      `Warning: ${file} is in a git work tree, and git does not ignore it. Add it to .gitignore before the next commit, or move it elsewhere.`,
    );
}

/** Whether `git add` would take the file up. Without git, and outside of a work tree, it would not. */
export function isSeenByGit(file: string): boolean {
  const { status } = spawnSync("git", ["check-ignore", "--quiet", "--", basename(file)], {
    cwd: dirname(file),
    stdio: "ignore",
  });
  return status === 1;
}
