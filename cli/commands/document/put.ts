import { Command } from "commander";
import { AssetCreationData, AssetId } from "../../../shared/chain/transaction.ts";
import { MAX_DOCUMENT_BYTES, type StoredDocument } from "../../../shared/chain/document.ts";
import { sealDocument } from "../../../shared/client/documents.ts";
import { creation } from "../../../shared/client/unsigned.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { withCommandFailures, vdcClient } from "../../account/client.ts";
import { keysOption, readKeys } from "../../account/keys-file.ts";
import { readBytes } from "../../files/read.ts";
import { refuseLost, waiting, type AcceptedSubmission, type WaitOptions } from "../../account/settle.ts";
import { submitSigned } from "../../account/submit.ts";
import { publicClient } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { note, show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { byteCount } from "../../output/words.ts";
import { connected, examples, ofSchema, path, type Connected } from "../options.ts";

interface Options extends Connected, WaitOptions {
  readonly keys: string;
  readonly asset?: string;
  readonly type?: string;
}

export function putCommand(): Command {
  return waiting(connected(new Command("put")))
    .description("encrypt a file to your own key, sign it, and have it kept")
    .argument("<file>", "up to 20 MB; - for stdin", path)
    .addOption(keysOption())
    .option(
      "--asset <id>",
      "also create this asset, whose transaction commits to the document",
      ofSchema(AssetId),
    )
    .option("--type <word>", "with --asset: what kind of document it is", ofSchema(DocumentType))
    .addHelpText(
      "after",
      `
Only your keys open it. The asset's transaction is public for ever and holds SHA-256 of the file, so whoever has the
very same file can tell that it is this one.
${examples("document put deed.pdf", "document put deed.pdf --asset deed-17 --json | jq -r .txId")}`,
    )
    .action(withCommandFailures(put));
}

const DocumentType = AssetCreationData.entries.documentType.wrapped;

async function put(file: string, options: Options): Promise<void> {
  if (options.type !== undefined && options.asset === undefined)
    throw new CommandFailure("--type is for an asset: give --asset too", EXIT.usage);
  const keys = await readKeys(options.keys);
  const document = await readBytes(file);
  if (document.length > MAX_DOCUMENT_BYTES)
    throw new CommandFailure(`${file} is larger than ${byteCount(MAX_DOCUMENT_BYTES)}`, EXIT.usage);
  if (options.asset !== undefined) await refuseTaken(options.asset, options);
  const client = vdcClient(options);
  const stored = await client.putDocument(await sealDocument(await client.chainId(), document, keys));
  const kept = { ...stored, documentHash: await sha256HexOfFile(document) };
  if (options.asset === undefined) return show(options, kept, asText);

  note(`The document is kept: ${kept.id}`); // printed at once, because the transaction may still fail
  const { documentHash, documentCid } = kept;
  const unsigned = creation({
    assetId: options.asset,
    documentHash,
    documentCid,
    ...(options.type !== undefined && { documentType: options.type }),
  });
  const taken = await submitSigned(client, keys, unsigned, options);
  show(options, { ...kept, ...taken }, asText);
  refuseLost(taken);
}

/** Checks first whether the asset exists, before anything is stored: an asset is created once. */
async function refuseTaken(asset: string, options: Options): Promise<void> {
  const params = { assetId: asset };
  if ((await publicClient(options).find("GET /api/vdc/assets/:assetId", { params })) !== undefined)
    throw new CommandFailure(
      `${asset} is in the chain already: choose another id. Nothing was kept.`,
      EXIT.refused,
    );
}

function asText(kept: StoredDocument & { documentHash: string } & Partial<AcceptedSubmission>): string {
  return facts([
    ["document", kept.id],
    ["SHA-256 of the file", kept.documentHash],
    ["IPFS", kept.documentCid],
    ["size, encrypted", byteCount(kept.bytes)],
    ...(kept.txId === undefined
      ? []
      : ([
          ["transaction", kept.txId],
          ["state", kept.state],
        ] as const)),
  ]);
}
