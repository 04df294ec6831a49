import { userInfo } from "node:os";
import { nameInHeader, operatorNameOf } from "../shared/http/operator-name.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { callersPath } from "./files/path.ts";
import { readTextNow } from "./files/read.ts";
import { settingIn } from "./files/setting.ts";
import { localDataDirectory, readSecrets } from "./local/data-directory.ts";
import type { Target } from "./target.ts";

/**
 * The headers of an operator's call. The secret comes from the environment or a file, never from an argument, which
 * everyone on the machine can see; the local stack's own is given to the local stack only.
 * @throws CommandFailure that says where to put the secret, and repeats none of it
 */
export function operatorHeaders(
  target: Target,
  environment: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string>> {
  const secret = secretFor(target, environment);
  // A header takes no other character, and the error that fetch throws would repeat the secret.
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw new CommandFailure(
      "the operator's secret holds a space or a character that is not ASCII: is it the right value?",
      EXIT.refused,
    );
  refuseInClear(target.url);
  const name = operatorName(environment);
  return { "x-admin-secret": secret, ...(name !== "" && { "x-operator": nameInHeader(name) }) };
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

/** The file holds the secret alone, or as a setting named ADMIN_SECRET. */
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

/** Over plain HTTP everyone on the way reads the secret; on this machine nobody else is on the way. */
function refuseInClear(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return;
  throw new CommandFailure(
    `the operator's secret would go to ${url} in clear: use its https:// address`,
    EXIT.usage,
  );
}

/** Whom the audit log is to name, in any script. */
export function operatorName(environment: NodeJS.ProcessEnv = process.env): string {
  return operatorNameOf(environment.VDC_OPERATOR || systemUser());
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return ""; // a container may run as a user without a name
  }
}
