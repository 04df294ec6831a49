import { Command } from "commander";
import * as v from "valibot";
import { ActivationToken } from "../../../shared/api/activation.ts";
import { activationRequest } from "../../../shared/client/activation.ts";
import { registration } from "../../../shared/client/unsigned.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import type { VdcClient } from "../../../shared/client/vdc-client.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { createKeys, keysOption, readKeys } from "../../account/keys-file.ts";
import { readText } from "../../files/read.ts";
import {
  refuseLost,
  settle,
  waiting,
  type AcceptedSubmission,
  type WaitOptions,
} from "../../account/settle.ts";
import { submitSigned } from "../../account/submit.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { note, show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { connected, examples, path, type Connected } from "../options.ts";

interface Options extends Connected, WaitOptions {
  readonly keys: string;
  readonly activation?: string;
}

export function createCommand(): Command {
  return registering(new Command("create"))
    .description("make keys, write them to a new file, and register them")
    .addHelpText(
      "after",
      examples("user create", "user create --keys alice.keys.json --activation token.txt"),
    )
    .action(
      withCommandFailures(async (options: Options) => {
        const activation = await activationOf(options); // read first, before keys are made that it cannot register
        const keys = await createKeys(options.keys);
        note(`${options.keys} holds your keys: keep it secret, and keep a copy. Nobody can replace it.`);
        note(`Should it not be registered now, \`vdc user register --keys ${options.keys}\` tries again.`);
        await register(keys, activation, options);
      }),
    );
}

export function registerCommand(): Command {
  return registering(new Command("register"))
    .description("register keys that you have: the public halves become a transaction")
    .addHelpText("after", examples("user register --keys alice.keys.json"))
    .action(
      withCommandFailures(async (options: Options) =>
        register(await readKeys(options.keys), await activationOf(options), options),
      ),
    );
}

function registering(command: Command): Command {
  return waiting(connected(command))
    .addOption(keysOption())
    .option("--activation <file>", "the file that holds your activation token; - for stdin", path);
}

/**
 * Reads the token from a file: other users of the machine can see an option's value.
 * @throws CommandFailure that quotes no part of the file
 */
async function activationOf({ activation: file }: Options): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = (await readText(file)).trim();
  if (!v.is(ActivationToken, text))
    throw new CommandFailure(`${file} holds no activation token: vdc_at_ and 43 characters`, EXIT.usage);
  return text;
}

async function register(user: UserKeys, activation: string | undefined, options: Options): Promise<void> {
  const client = vdcClient(options);
  const taken =
    activation === undefined
      ? await submitSigned(client, user, registration(user), options)
      : await settle(client, await activate(client, user, activation), options);
  show(options, { ...taken, userId: user.userId, keys: options.keys }, asText);
  refuseLost(taken);
}

async function activate(client: VdcClient, user: UserKeys, token: string): Promise<AcceptedSubmission> {
  return client.activate(await activationRequest(await client.chainId(), token, user, Date.now()));
}

function asText({
  userId,
  keys,
  txId,
  state,
  ...more
}: AcceptedSubmission & { userId: string; keys: string }): string {
  const { blockNumber } = more as { blockNumber?: number };
  return facts([
    ["user", userId],
    ["keys", keys],
    ["transaction", txId],
    ["state", state],
    ...(blockNumber === undefined ? [] : [["block", blockNumber] as const]),
  ]);
}
