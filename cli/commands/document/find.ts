import { Command, InvalidArgumentError } from "commander";
import type { FoundDocument } from "../../../shared/api/document-entries.ts";
import { LEAST_PREFIX_DIGITS } from "../../../shared/api/document-entries.ts";
import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { callersPath } from "../../files/path.ts";
import { readBytes } from "../../files/read.ts";
import { publicClient, type Client } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { show } from "../../output/show.ts";
import { table } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import { connected, examples, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly exact?: boolean;
}

/** The hashes below a prefix are the deployment's to name, so a command reads no more pages of them than this. */
const MOST_PAGES = 100;
const PAGE = 1_000;

export function findCommand(): Command {
  return connected(new Command("find"))
    .description("which transactions of the chain commit to a document")
    .argument("<file|sha256>", "the document itself, or its SHA-256; - for stdin", fileOrHash)
    .option("--exact", "send the whole hash: quicker, but the deployment learns which document you have")
    .addHelpText(
      "after",
      `
The file is hashed here and never sent. Without --exact only the first ${LEAST_PREFIX_DIGITS} digits of the hash are sent, and the answers are
compared here. The deployment says what is in the chain: \`vdc verify\` checks it.
${examples("document find deed.pdf", "document find deed.pdf --json | jq -r '.documents[].txId'")}`,
    )
    .action(find);
}

/** A text of 64 hex digits is a hash; `./` in front makes it a file. */
function fileOrHash(text: string): string {
  if (text === "") throw new InvalidArgumentError("expected a file or a SHA-256");
  return isHash(text) ? text : callersPath(text);
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

async function find(which: string, options: Options): Promise<void> {
  const sha256 = isHash(which) ? which : await sha256HexOfFile(await readBytes(which));
  const found = await findAll(publicClient(options), sha256, options.exact === true);
  if (found.documents.length === 0)
    throw new CommandFailure(
      `No transaction of the chain commits to the document ${sha256}. ${claimText(found.indexedThrough)}`,
      EXIT.notFound,
    );
  show(options, { sha256, ...found }, asText);
}

interface Found {
  readonly documents: readonly FoundDocument[];
  /** The claim of the first page. A later page may claim more, which the first page need not hold. */
  readonly indexedThrough: IndexedThrough | null;
}

/** @throws CommandFailure when the prefix has too many pages */
async function findAll(client: Client, sha256: string, isExact: boolean): Promise<Found> {
  const documents: FoundDocument[] = [];
  let claim: IndexedThrough | null | undefined;
  let after: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query = { limit: PAGE, ...(after !== undefined && { after }) };
    const page = isExact
      ? await client.call("GET /api/vdc/documents/by-hash/:sha256", { params: { sha256 }, query })
      : await client.call("GET /api/vdc/documents/by-hash", {
          query: { prefix: sha256.slice(0, LEAST_PREFIX_DIGITS), ...query },
        });
    if (claim === undefined) claim = page.indexedThrough;
    documents.push(...page.documents.filter((document) => document.sha256 === sha256));
    if (page.next === null) return { documents, indexedThrough: claim };
    after = page.next;
  }
  throw new CommandFailure(
    isExact
      ? `More than ${MOST_PAGES * PAGE} transactions commit to this document. Page through GET /api/vdc/documents/by-hash/${sha256} yourself`
      : `More than ${MOST_PAGES * PAGE} transactions commit to documents whose hash begins alike. Ask with --exact, which shows the deployment the whole hash`,
    EXIT.failure,
  );
}

function asText({ sha256, documents, indexedThrough }: Found & { readonly sha256: string }): string {
  const rows = documents.map(({ txId, blockNumber, index, assetId, timestamp }) => [
    txId,
    blockNumber,
    index,
    assetId,
    time(timestamp),
  ]);
  return [
    `Document ${sha256}`,
    table(["transaction", "block", "index in it", "asset", "time"], rows),
    claimText(indexedThrough),
  ].join("\n");
}

function claimText(claim: IndexedThrough | null): string {
  return claim === null
    ? "The deployment does not say how far its index is complete, so there may be others."
    : `The index is complete up to block ${claim.blockNumber} (since ${time(claim.at)}); there may be others in later blocks.`;
}
