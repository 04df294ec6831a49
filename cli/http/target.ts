import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { localDataDirectory, readStackUrl } from "../local/stack/data-directory.ts";

/** The deployment that a command calls. */
export interface Target {
  /** Without a slash at its end. */
  readonly url: string;
  /** The local stack of the data directory runs there: the command may use its secrets, and no others. */
  readonly isLocal: boolean;
}

/**
 * The deployment to call: `--url`, else VDC_URL, else the running local stack.
 * @throws CommandFailure when none of them is given
 */
export function targetOf(given: string | undefined, environment: NodeJS.ProcessEnv = process.env): Target {
  const dataDirectory = localDataDirectory();
  const local = existsSync(join(dataDirectory, "url")) ? readStackUrl(dataDirectory) : undefined;
  const url = given ?? (environment.VDC_URL ? baseUrlOf(environment.VDC_URL, "VDC_URL") : local);
  if (url === undefined)
    throw new CommandFailure(
      `there is no ${join(dataDirectory, "url")}: start the stack once with \`npm start\`, or say where yours is: VDC_DATA_DIR for a local stack with a data directory of its own, else --url or VDC_URL`,
      EXIT.usage,
    );
  return { url, isLocal: url === local };
}

/** @throws CommandFailure that names the source of the text */
function baseUrlOf(text: string, from: string): string {
  const url = asBaseUrl(text);
  if (url === undefined)
    throw new CommandFailure(`${from} is no address: expected http://… or https://…`, EXIT.usage);
  return url;
}

/** The address of a deployment, without path, query and user; `undefined` for any other text. */
export function asBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, protocol, pathname, search, hash, username, password } = new URL(text);
  const bare = /^\/*$/.test(pathname) && `${search}${hash}${username}${password}` === "";
  return bare && /^https?:$/.test(protocol) ? origin : undefined;
}
