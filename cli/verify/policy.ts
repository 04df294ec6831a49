import { InvalidArgumentError, Option, type Command } from "commander";
import { readPolicy, type VerifyPolicy } from "../../shared/verify/policy.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { genesisOption } from "../commands/verify.ts";
import { path } from "../commands/options.ts";
import { readText } from "../files/read.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

export interface PolicyOptions {
  readonly policy?: string;
  readonly genesis?: string;
  readonly head?: NonNullable<VerifyPolicy["head"]>;
}

/** Adds the options that say what must be checked. */
export function withPolicy(command: Command): Command {
  return command
    .addOption(genesisOption())
    .addOption(
      new Option(
        "--policy <file>",
        "what must be checked: JSON vdc-policy@1, or a C2SP tlog-policy with your witnesses",
      ).argParser(path),
    )
    .addOption(
      new Option("--head <n:hash>", "a block that you know: the record must be in its history").argParser(
        head,
      ),
    );
}

/** @throws CommandFailure when the file is no policy */
export async function policyOf({ policy: file, genesis, head }: PolicyOptions): Promise<VerifyPolicy> {
  const read = file === undefined ? {} : parsed(file, await readText(file));
  return {
    ...read,
    ...(genesis !== undefined && { genesisHash: genesis }),
    ...(head !== undefined && { head }),
  };
}

function parsed(file: string, text: string): VerifyPolicy {
  try {
    return readPolicy(text);
  } catch (error) {
    if (!(error instanceof InvalidLog)) throw error;
    throw new CommandFailure(`${file} is no policy: ${error.message}`, EXIT.usage);
  }
}

function head(text: string): NonNullable<VerifyPolicy["head"]> {
  const [, number, hash] = /^(0|[1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined)
    throw new InvalidArgumentError("expected a block's number, a colon and its hash: 41:4e1931c9…");
  return { blockNumber: Number(number), hash };
}
