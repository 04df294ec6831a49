import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "../local/stack/workers.ts";

/**
 * A file's name as its caller meant it: npm runs the project's scripts in the project's folder, wherever it was called.
 * @param text `-` stays: stdin or stdout
 */
export function callersPath(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { npm_package_json: scriptOf, INIT_CWD: calledIn } = environment;
  return text !== "-" && calledIn && isThisProject(scriptOf) ? resolve(calledIn, text) : text;
}

/** Another project's script may call `vdc` too, and npm does not move that one. */
function isThisProject(packageFile: string | undefined): boolean {
  if (packageFile === undefined || !existsSync(packageFile)) return false;
  return realpathSync(packageFile) === realpathSync(join(ROOT, "package.json"));
}
