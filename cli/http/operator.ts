import { userInfo } from "node:os";
import { nameInHeader, OPERATOR_NAME_HEADER, operatorNameOf } from "../../shared/http/operator-name.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { callersPath } from "../files/path.ts";
import { readTextNow } from "../files/read.ts";
import { settingIn } from "../files/setting.ts";
import { localDataDirectory, readSecrets } from "../local/stack/data-directory.ts";
import type { Target } from "./target.ts";

/**
 * The headers of an operator's call. The secret comes from the environment or a file, never from an argument, which every
 * user of the machine can see. The local stack's own secret goes to the local stack only.
 * @throws CommandFailure that says where to put the secret, and quotes no part of it
 */
export function operatorHeaders(
  target: Target,
  environment: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string>> {
  const secret = secretFor(target, environment);
  // A header accepts no other characters, and the error of fetch would quote the secret.
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw new CommandFailure(
      "the operator's secret holds a space or a character that is not ASCII: is it the right value?",
      EXIT.refused,
    );
  refuseInClear(target.url);
  const name = operatorName(environment);
  return { "x-admin-secret": secret, ...(name !== "" && { [OPERATOR_NAME_HEADER]: nameInHeader(name) }) };
}

function secretFor(target: Target, environment: NodeJS.ProcessEnv): string {
  const given = environment.VDC_ADMIN_SECRET || environment.ADMIN_SECRET;
  if (given) return given.trim();
  if (environment.VDC_ADMIN_SECRET_FILE) return secretIn(environment.VDC_ADMIN_SECRET_FILE);
  if (target.isLocal) return localSecret();
  throw new CommandFailure(
    `this is an operator's call, and there is no secret for ${target.url}: set VDC_ADMIN_SECRET, or VDC_ADMIN_SECRET_FILE to a file that holds it`,
    EXIT.refused,
  );
}

/** Reads the secret from a file that holds it alone, or as a setting named ADMIN_SECRET. */
function secretIn(file: string): string {
  const advice = "VDC_ADMIN_SECRET_FILE must name the file that holds the operator's secret";
  if (file === "-") throw new CommandFailure(`${advice}: stdin is not read for it`, EXIT.usage);
  return settingIn(readTextNow(callersPath(file), advice, EXIT.refused), "ADMIN_SECRET");
}

function localSecret(): string {
  try {
    return readSecrets(localDataDirectory()).ADMIN_SECRET;
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error), EXIT.refused);
  }
}

/** Refuses plain HTTP, where others on the network can read the secret, except on this machine. */
function refuseInClear(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return;
  throw new CommandFailure(
    `the operator's secret would go to ${url} in clear: use its https:// address`,
    EXIT.usage,
  );
}

/** The operator's name for the audit log, in any script. */
export function operatorName(environment: NodeJS.ProcessEnv = process.env): string {
  return operatorNameOf(environment.VDC_OPERATOR || systemUser());
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return ""; // the process may run as a user without a name, in a container
  }
}
