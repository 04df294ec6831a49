import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { table } from "../../output/table.ts";
import { counted, mark, time } from "../../output/words.ts";
import type { StorageStatus } from "../../../shared/api/storage-report.ts";
import { requireCompleteCopies } from "../../storage/require-valid.ts";
import { connected, examples, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly from: number;
  readonly limit: number;
}

export function storageStatusCommand(): Command {
  return connected(new Command("status"))
    .description("which tiers list which blocks: presence, not soundness")
    .option("--from <n>", "the first block", wholeNumber(0), 0)
    .option("--limit <n>", "how many blocks at most", wholeNumber(1, 1_000), 100)
    .addHelpText(
      "after",
      `
Exit code 6 when a block is incomplete, on this page or by its latest verification, or a document by its latest verification.
${examples(
  "storage status",
  "storage status --limit 1000 --json | jq '.blocks[] | select(.complete | not)'",
)}`,
    )
    .action(async (options: Options) => {
      const { from, limit } = options;
      const query = { from, limit };
      const status = await operatorClient(options).call("GET /api/storage-verify/status", { query });
      show(options, status, asText);
      requireCompleteCopies(status);
    });
}

function asText({ blocks, summary, totalBlocks, verification, documents, next }: StorageStatus): string {
  const rows = blocks.map(({ blockNumber, kv, r2, ipfs, complete }) => [
    blockNumber,
    mark(kv),
    mark(r2),
    ipfs ?? mark(false),
    complete,
  ]);
  return [
    table(["block", "kv", "r2", "ipfs", "complete"], rows),
    "",
    `${summary.complete} complete, ${summary.incomplete} incomplete, of ${totalBlocks} in all`,
    verificationText(verification),
    documentsText(documents),
    ...(next === null ? [] : [`there are more: --from ${next}`]),
  ].join("\n");
}

function verificationText({
  failing,
  partial,
  withoutPrivateParts,
  verifiedSince,
}: StorageStatus["verification"]): string {
  const since =
    verifiedSince === null
      ? "not every block was verified yet"
      : `every block was verified since ${time(verifiedSince)}`;
  return `by their latest verification ${counted(failing, "block")} failed, ${partial} partial, ${withoutPrivateParts} without all private parts; ${since}`;
}

function documentsText(documents: StorageStatus["documents"]): string {
  if (documents === null) return "documents: not known, for their index is being made anew";
  const { total, partial, failed, unverified } = documents;
  return `${counted(total, "document")}; by their latest verification ${failed} failed, ${partial} partial; ${unverified} not verified yet`;
}
