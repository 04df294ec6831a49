import { Command } from "commander";
import { withCommandFailures } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { examples } from "../options.ts";

interface Options {
  readonly keys: string;
  readonly json?: boolean;
}

export function showUserCommand(): Command {
  return new Command("show")
    .description(
      "who you are to others: your userId and your public keys, from your file and from nowhere else",
    )
    .addOption(keysOption())
    .option("--json", "one JSON document instead of text")
    .addHelpText("after", examples("user show", "user show --keys bob.keys.json --json | jq -r .userId"))
    .action(withCommandFailures(showUser));
}

async function showUser(options: Options): Promise<void> {
  const { userId, signingKey, encryptionKey } = await readKeys(options.keys);
  show(options, { userId, signingKey, encryptionKey }, () =>
    facts([
      ["user", userId],
      ["signs with", `${signingKey.algorithm} ${signingKey.keyId}`],
      ["is sent to with", `${encryptionKey.algorithm} ${encryptionKey.keyId}`],
    ]),
  );
}
