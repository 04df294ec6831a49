import { statSync } from "node:fs";
import { join } from "node:path";
import type { WorkerName } from "../../shared/pipeline.ts";
import { CommandFailure } from "../output/failure.ts";
import { readTextNow } from "../files/read.ts";
import { isSeenByGit } from "../files/secret-file.ts";
import { OPTIONAL_SECRETS, secretNamesOf } from "../local/stack/secrets.ts";

/**
 * Lists the faults of a Worker's secrets file, `<folder>/<worker>.json`, before `wrangler deploy --secrets-file` takes it. No value
 * is repeated.
 * @param environment a variable of the same name is a second value for the secret, and it would be unclear which one is deployed
 */
export function faultsOf(worker: WorkerName, folder: string, environment: NodeJS.ProcessEnv): string[] {
  const names: readonly string[] = secretNamesOf(worker);
  if (names.length === 0) return [];
  const file = join(folder, `${worker}.json`);
  const required = names.filter((name) => !OPTIONAL_SECRETS.some((optional) => optional === name));
  const exists = statSync(file, { throwIfNoEntry: false });
  if (exists === undefined)
    return required.length === 0 ? [] : [`${file} is missing: it must set ${required.join(" and ")}`];
  const secrets = secretsIn(file);
  if (typeof secrets === "string") return [secrets];
  const given = Object.keys(secrets);
  const missing = required.filter((name) => !secrets[name]);
  const foreign = given.filter((name) => !names.includes(name));
  const exported = given.filter((name) => environment[name] !== undefined);
  return [
    ...missing.map((name) => `${file} does not set ${name}`),
    ...foreign.map((name) => `${file} sets ${name}, which ${worker} does not need: take it out`),
    ...exported.map(
      (name) => `${name} is set in your environment too: say \`unset ${name}\` before you deploy ${file}`,
    ),
    ...(process.platform !== "win32" && (exists.mode & 0o077) !== 0
      ? [`others on this machine can read ${file}: run \`chmod 600 ${file}\``]
      : []),
    ...(isSeenByGit(file) ? [`git does not ignore ${file}: add it to .gitignore`] : []),
  ];
}

/** @returns what is wrong, when it holds no object of texts */
function secretsIn(file: string): Readonly<Record<string, string>> | string {
  const wrong = `${file} must hold a JSON object whose values are texts, as {"NAME":"value"}`;
  try {
    const value: unknown = JSON.parse(readTextNow(file));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong;
    const texts = Object.entries(value).every(([, secret]) => typeof secret === "string");
    return texts ? (value as Record<string, string>) : wrong;
  } catch (error) {
    if (error instanceof CommandFailure) return error.message;
    return wrong; // the parser's words would quote the file
  }
}
