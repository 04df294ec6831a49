import { InvalidArgumentError, Option, type Command } from "commander";
import * as v from "valibot";
import { callersPath } from "../files/path.ts";
import { asBaseUrl } from "../http/target.ts";
import { faultText } from "../../shared/schema/issue-text.ts";

/** Options of every command that calls a deployment. */
export interface Connected {
  readonly url?: string;
  readonly json?: boolean;
}

export function connected(command: Command): Command {
  return command.addOption(urlOption()).option("--json", "one JSON document instead of text");
}

export function urlOption(): Option {
  return new Option(
    "--url <url>",
    "address of the deployment (default: VDC_URL, else where the local stack runs)",
  ).argParser(address);
}

/** Examples at the end of a command's help. Piped examples avoid npm's own lines on stdout. */
export function examples(...commandLines: readonly string[]): string {
  const lines = commandLines.map((line) => `  npm run ${/[|>]/.test(line) ? "--silent " : ""}vdc -- ${line}`);
  return `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.join("\n")}`;
}

function address(text: string): string {
  return baseAddress(text, "a deployment");
}

/** Parses an address without a path. @param of the thing that has it, in words */
export function baseAddress(text: string, of = "a server"): string {
  const url = asBaseUrl(text);
  if (url === undefined)
    throw new InvalidArgumentError(`expected the address of ${of}, http://… or https://…, without a path`);
  return url;
}

/** Parses an argument by a schema; the error shows the schema's own message. */
export function ofSchema(schema: v.GenericSchema<string, string>): (text: string) => string {
  return (text) => {
    const parsed = v.safeParse(schema, text);
    if (!parsed.success) throw new InvalidArgumentError(faultText(parsed.issues[0]));
    return parsed.output;
  };
}

/** Parses plain decimal digits, from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^(?:0|[1-9]\d{0,15})$/.test(text) || number < least || number > most)
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `expected a whole number from ${least}`
          : `expected a whole number from ${least} to ${most}`,
      );
    return number;
  };
}

/** Parses the reason for an operator's action, which the audit log records. */
export function reason(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > 1_000)
    throw new InvalidArgumentError("say why, in 1 to 1000 characters: it is kept in the audit log");
  return trimmed;
}

/** Parses the path of a file. `-`: stdin or stdout. */
export function path(text: string): string {
  return callersPath(text);
}
