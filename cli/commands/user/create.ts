import { Command } from "commander";
import { registration } from "../../../shared/client/unsigned.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { telling, vdcClient } from "../../account/client.ts";
import { createKeys, keysOption, readKeys } from "../../account/keys-file.ts";
import { refuseLost, waiting, type Taken, type Waiting } from "../../account/settle.ts";
import { submitSigned } from "../../account/submit.ts";
import { note, show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { connected, examples, type Connected } from "../options.ts";

interface Options extends Connected, Waiting {
  readonly keys: string;
}

export function createCommand(): Command {
  return registering(new Command("create"))
    .description("make keys, write them to a new file, and register them")
    .addHelpText(
      "after",
      examples("user create", "user create --keys alice.keys.json --json | jq -r .userId"),
    )
    .action(
      telling(async (options: Options) => {
        const keys = await createKeys(options.keys);
        note(`${options.keys} holds your keys: keep it secret, and keep a copy. Nobody can replace it.`);
        await register(keys, options);
      }),
    );
}

export function registerCommand(): Command {
  return registering(new Command("register"))
    .description("register keys that you have: the public halves become a transaction")
    .addHelpText("after", examples("user register --keys alice.keys.json"))
    .action(telling(async (options: Options) => register(await readKeys(options.keys), options)));
}

function registering(command: Command): Command {
  return waiting(connected(command)).addOption(keysOption());
}

async function register(user: UserKeys, options: Options): Promise<void> {
  const taken = await submitSigned(vdcClient(options), user, registration(user), options);
  show(options, { userId: user.userId, keys: options.keys, ...taken }, asText);
  refuseLost(taken);
}

function asText({ userId, keys, txId, state, ...more }: Taken & { userId: string; keys: string }): string {
  const { blockNumber } = more as { blockNumber?: number };
  return facts([
    ["user", userId],
    ["keys", keys],
    ["transaction", txId],
    ["state", state],
    ...(blockNumber === undefined ? [] : [["block", blockNumber] as const]),
  ]);
}
