import { existsSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { Sha256Hex } from "../../../shared/chain/transaction.ts";
import { openDocument } from "../../../shared/client/documents.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { whyNot } from "../../files/why-not.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { byteCount } from "../../output/words.ts";
import { connected, examples, ofSchema, path, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly keys: string;
  readonly output?: string;
  readonly force?: boolean;
}

export function getCommand(): Command {
  return connected(new Command("get"))
    .description("fetch a document of yours, check that it is what you signed, and decrypt it")
    .argument("<id>", "the document's id: 64 hex digits", ofSchema(Sha256Hex))
    .addOption(keysOption())
    .option("-o, --output <file>", "where to write it; without it, or with -, to stdout", path)
    .option("--force", "replace the file when it is there already")
    .addHelpText(
      "after",
      examples(
        `document get ${"0123456789abcdef".repeat(4)} -o deed.pdf`,
        `document get ${"0123456789abcdef".repeat(4)} > deed.pdf`,
      ),
    )
    .action(withCommandFailures(get));
}

async function get(id: string, options: Options): Promise<void> {
  const output = options.output === "-" ? undefined : options.output;
  if (output === undefined && (options.json === true || process.stdout.isTTY))
    throw new CommandFailure("say with -o which file it is to be written to", EXIT.usage);
  if (output !== undefined && options.force !== true && existsSync(output)) throw isThere(output);
  const keys = await readKeys(options.keys);
  const client = vdcClient(options);
  const record = await client.getDocument(id);
  const document = Uint8Array.from(await openDocument(await client.chainId(), record, keys, id));
  if (output === undefined) {
    process.stdout.write(document);
    return;
  }
  write(output, document, options.force === true);
  const written = {
    id,
    file: output,
    bytes: document.length,
    documentHash: await sha256HexOfFile(document),
  };
  show(options, written, ({ file, bytes, documentHash }) =>
    facts([
      ["written to", file],
      ["size", byteCount(bytes)],
      ["SHA-256", documentHash],
    ]),
  );
}

/** Writes a file that only its owner may read, because the document was encrypted. */
function write(file: string, bytes: Uint8Array, replace: boolean): void {
  try {
    writeFileSync(file, bytes, { flag: replace ? "w" : "wx", mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "EEXIST"
      ? isThere(file)
      : new CommandFailure(`${file} can't be written, for ${whyNot(error)}`);
  }
}

function isThere(file: string): CommandFailure {
  return new CommandFailure(`${file} is there already: choose another file, or add --force`, EXIT.refused);
}
