import { Command, Option } from "commander";
import { Sha256Hex } from "../../../shared/chain/transaction.ts";
import { operatorClient } from "../../http/client.ts";
import { bringDocuments } from "../../documents/bring.ts";
import { DocumentFolder } from "../../documents/folder.ts";
import { listedDocuments, type ListedDocument } from "../../documents/listed.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { show } from "../../output/show.ts";
import { facts, table } from "../../output/table.ts";
import { byteCount, counted, time } from "../../output/words.ts";
import { documentReportText } from "../../storage/tables.ts";
import { requireValidDocument } from "../../storage/require-valid.ts";
import { connected, examples, ofSchema, path, wholeNumber, type Connected } from "../options.ts";

const ID = "0123456789abcdef".repeat(4);

interface DocumentListOptions extends Connected {
  readonly status?: ListedDocument["status"];
  readonly limit: number;
}

export function documentsCommand(): Command {
  return connected(new Command("documents"))
    .description("which documents are stored, and what their latest verification found")
    .addOption(
      new Option("--status <status>", "only those of which it says this").choices([
        "unverified",
        "ok",
        "partial",
        "failed",
      ]),
    )
    .option("--limit <n>", "how many at most", wholeNumber(1, 100_000), 100)
    .addHelpText("after", examples("storage documents", "storage documents --status failed --json"))
    .action(async (options: DocumentListOptions) => {
      const documents: ListedDocument[] = [];
      for await (const listed of listedDocuments(operatorClient(options), options.status)) {
        documents.push(listed);
        if (documents.length === options.limit) break;
      }
      show(options, { documents }, asTable);
    });
}

function asTable({ documents }: { readonly documents: readonly ListedDocument[] }): string {
  return table(
    ["document", "IPFS", "size", "status", "verified"],
    documents.map(({ documentId, documentCid, bytes, status, checkedAt }) => [
      documentId,
      documentCid,
      byteCount(bytes),
      status,
      time(checkedAt),
    ]),
  );
}

interface Verifying extends Connected {
  readonly repair: boolean;
}

const TIMEOUT_MS = 300_000; // up to 27 MB, read twice and written twice

export function verifyDocumentCommand(): Command {
  return connected(new Command("verify-document"))
    .description("check the bytes of a document in R2 and on IPFS, and restore what is missing or wrong")
    .argument("<id>", "the document's id: 64 hex digits", ofSchema(Sha256Hex))
    .option("--no-repair", "look only")
    .addHelpText(
      "after",
      `
Exit code 6 when a copy is not sound and could not be restored, 7 when a tier could not be reached.
${examples(`storage verify-document ${ID}`)}`,
    )
    .action(async (id: string, options: Verifying) => {
      const report = await operatorClient(options).call(
        "POST /api/storage-verify/documents/:documentId/verify",
        { params: { documentId: id }, query: { repair: options.repair }, timeoutMs: TIMEOUT_MS },
      );
      show(options, report, documentReportText);
      requireValidDocument(report);
    });
}

export function bringDocumentsCommand(): Command {
  return connected(new Command("bring-documents"))
    .description("give back the documents of an export; what R2 or IPFS lacks of them is restored")
    .argument("<folder>", "what `vdc export --documents` wrote", path)
    .addHelpText(
      "after",
      `
Each file is checked: its name is the hash of its envelope, its owner signed it for this chain, and is registered in it. Of a
document that the deployment knows, it takes only the very record that was stored. It may be repeated.
${examples("storage bring-documents documents/")}`,
    )
    .action(async (folder: string, options: Connected) => {
      const counts = await bringDocuments(operatorClient(options), new DocumentFolder(folder));
      show(options, counts, ({ documents, sound, restored, partial }) =>
        facts([
          ["documents", documents],
          ["sound before", sound],
          ["restored", restored],
          ["partial", partial],
        ]),
      );
      if (counts.partial > 0)
        throw new CommandFailure(
          `${counted(counts.partial, "document")} not whole in R2 and on IPFS: the messages above say why. The same command again goes on`,
          EXIT.unverified,
        );
    });
}
