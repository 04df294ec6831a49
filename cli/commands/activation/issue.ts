import { Command } from "commander";
import * as v from "valibot";
import { TokenRequest } from "../../../shared/api/activation.ts";
import { issueText } from "../../../shared/schema/issue-text.ts";
import { readJsonObject } from "../../files/read.ts";
import { operatorClient } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { note, show } from "../../output/show.ts";
import { time } from "../../output/words.ts";
import { connected, examples, path, reason, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly expiresIn?: number;
  readonly private?: string;
  readonly reason?: string;
}

const YEAR_SECONDS = 31_536_000;

export function issueCommand(): Command {
  return connected(new Command("issue"))
    .description("make a one-time token with which one user can register (operator)")
    .option(
      "--expires-in <seconds>",
      "how long it can be used: a week unless told",
      wholeNumber(60, YEAR_SECONDS),
    )
    .option("--private <file>", "JSON about it, as whom it is for: kept encrypted; - for stdin", path)
    .option("--reason <text>", "why, for the audit log", reason)
    .addHelpText(
      "after",
      `
Nobody can show the token again: only its hash is kept. Its user says \`vdc user create --activation <file>\`.
${examples("activation issue > token.txt", "activation issue --expires-in 3600 --json | jq -r .token")}`,
    )
    .action(issue);
}

async function issue(options: Options): Promise<void> {
  const { expiresIn, private: file, reason } = options;
  const issued = await operatorClient(options).call("POST /api/activation-tokens", {
    body: {
      ...(expiresIn !== undefined && { expiresInSeconds: expiresIn }),
      ...(file !== undefined && { private: await readPrivate(file) }),
      ...(reason !== undefined && { reason }),
    },
  });
  show(options, issued, ({ token }) => token);
  note(
    `It can be used once, until ${time(issued.expiresAt)}. Give it to its user by a way that others can't read.`,
  );
}

/** @throws CommandFailure, before anything is sent, that names the member which is no text */
async function readPrivate(file: string): Promise<NonNullable<TokenRequest["private"]>> {
  const parsed = v.safeParse(v.nonOptional(TokenRequest.entries.private), await readJsonObject(file));
  if (parsed.success) return parsed.output;
  throw new CommandFailure(issueText(parsed.issues[0], file), EXIT.usage);
}
