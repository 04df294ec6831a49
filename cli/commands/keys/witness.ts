import { Command, InvalidArgumentError } from "commander";
import { isOrigin } from "../../../shared/tlog/checkpoint.ts";
import { generateSeedPair } from "../../../shared/tlog/seed-pair.ts";
import { vkeyText } from "../../../shared/tlog/vkey.ts";
import { loadCosigners } from "../../../shared/witness/keyring.ts";
import { writeSecretFile } from "../../files/secret-file.ts";
import { note, show } from "../../output/show.ts";
import { examples, path } from "../options.ts";

interface Options {
  readonly json?: boolean;
  readonly output?: string;
}

/** Makes the keys of a witness: docs/witness.md */
export function witnessCommand(): Command {
  return new Command("witness")
    .description("print new keys of a witness (WITNESS_KEYRING) and its vkeys, which everybody may know")
    .argument("<name>", "name of the witness, for ever, such as witness.example.org/vdc", nameOfWitness)
    .option("--json", "one JSON document instead of lines")
    .option(
      "-o, --output <file>",
      "write the secret into a new file that only you can read; without it, or with -, to stdout",
      path,
    )
    .addHelpText("after", examples("keys witness witness.example.org/vdc -o witness.secret"))
    .action(print);
}

async function print(name: string, options: Options): Promise<void> {
  const { output = "-" } = options;
  const WITNESS_KEYRING = generateSeedPair();
  const cosigners = await loadCosigners(name, WITNESS_KEYRING);
  const keys = { WITNESS_NAME: name, WITNESS_KEYRING, vkeys: cosigners.map(({ key }) => vkeyText(key)) };
  if (output === "-") show(options, keys, asLines);
  else {
    writeSecretFile(
      output,
      `${options.json ? JSON.stringify(keys, null, 2) : asLines(keys)}\n`,
      `${output} is there already, and keys are never replaced: choose another file`,
    );
    note(`Written to ${output}. The vkeys:\n${keys.vkeys.join("\n")}`);
  }
  note("Keep WITNESS_KEYRING secret: a stolen key cosigns any history in the witness's name.");
}

function asLines(keys: {
  readonly WITNESS_NAME: string;
  readonly WITNESS_KEYRING: string;
  readonly vkeys: readonly string[];
}): string {
  const { WITNESS_NAME, WITNESS_KEYRING, vkeys } = keys;
  return [
    ...vkeys.map((vkey) => `# ${vkey}`),
    `WITNESS_NAME='${WITNESS_NAME}'`,
    `WITNESS_KEYRING='${WITNESS_KEYRING}'`,
  ].join("\n");
}

function nameOfWitness(name: string): string {
  if (!isOrigin(name))
    throw new InvalidArgumentError("expected 1 to 255 bytes, without a space and without +");
  return name;
}
