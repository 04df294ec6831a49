import { Command } from "commander";
import { AssetCreationData, AssetId } from "../../../shared/chain/transaction.ts";
import {
  MAX_DOCUMENT_BYTES,
  type DocumentState,
  type StoredDocument,
} from "../../../shared/chain/document.ts";
import { sealDocument } from "../../../shared/client/documents.ts";
import { creation } from "../../../shared/client/unsigned.ts";
import type { VdcClient } from "../../../shared/client/vdc-client.ts";
import { StillWaiting } from "../../../shared/client/wait-until.ts";
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
  const sealed = await sealDocument(await client.chainId(), document, keys);
  const { state, ...stored } = await client.putDocument(sealed);
  const kept = { ...stored, documentHash: await sha256HexOfFile(document) };
  note(`The document is stored: ${kept.id}`); // printed at once, because what follows may still fail
  if (options.asset === undefined) {
    const documentState = await settlePin(client, kept.id, state, options);
    show(options, { ...kept, documentState }, asText);
    return refuseUnpinned(documentState, options);
  }
  const { documentHash, documentCid } = kept;
  const unsigned = creation({
    assetId: options.asset,
    documentHash,
    documentCid,
    ...(options.type !== undefined && { documentType: options.type }),
  });
  const taken = await submitSigned(client, keys, unsigned, options);
  const documentState = await settlePin(client, kept.id, state, options);
  show(options, { ...kept, documentState, ...taken }, asText);
  refuseLost(taken);
  refuseUnpinned(documentState, options);
}

/** @returns the document's state when it is pinned or the timeout is over, or with --no-wait the state in which it was stored */
async function settlePin(
  client: VdcClient,
  id: string,
  state: DocumentState,
  { wait, timeout }: WaitOptions,
): Promise<DocumentState> {
  if (!wait || state === "pinned") return state;
  try {
    return (await client.waitUntilPinned(id, { timeout: timeout * 1_000 })).state;
  } catch (error) {
    if (error instanceof StillWaiting) return state;
    throw error;
  }
}

/** @throws CommandFailure when the document was waited for and is not pinned */
function refuseUnpinned(state: DocumentState, { wait, timeout }: WaitOptions): void {
  if (wait && state !== "pinned")
    throw new CommandFailure(`It is stored, and is not pinned after ${timeout} s. It will be, by itself`);
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

type Kept = Omit<StoredDocument, "state"> & { documentHash: string; documentState: DocumentState };

function asText(kept: Kept & Partial<AcceptedSubmission>): string {
  return facts([
    ["document", kept.id],
    ["document's state", kept.documentState],
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
